//! Enrolment, invitations, revocation, targets: admin.sqlite.
