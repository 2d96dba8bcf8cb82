//! Opening `SQLite` files: pragmas, identity, migrations.
