//! The network as a machine, without kernels: every effect of a link, by exact times.
