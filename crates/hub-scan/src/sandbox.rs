//! Walls around a process that looks at what strangers sent: it can do nothing but read what it is given and write what it found.
//!
//! [`enter`] is called once, by a process with one thread, before it reads a byte: limits of the system for memory, time and files,
//! then (on Linux) Landlock, which closes the file system and the network, then seccomp, which leaves the few calls that computing
//! needs. Nothing of it can be taken back. What a kernel does not have is left out, and told in [`Held`].

use serde::{Deserialize, Serialize};

/// What the process may take.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Memory, in bytes, beside what the process has when it enters.
    pub memory_bytes: u64,
    /// Time of the processor, in seconds.
    pub cpu_secs: u64,
}

/// Which walls stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Limits of memory, time, files and processes.
    pub limits: bool,
    /// Landlock: no file can be opened, no connection made.
    pub files: bool,
    /// Seccomp: nothing but reading what it is given, writing what it found, and computing.
    pub calls: bool,
}

/// Puts the walls up around this process, which must have one thread.
pub fn enter(bounds: &Bounds) -> Held {
    // In this order: how large the process is, a file says; Landlock opens one for a moment; and the last wall takes away the calls
    // that the others are made of.
    let limits = limits::Limits::of(bounds);
    let files = system::close_files();
    let limits = limits.set().is_ok();
    let calls = system::close_calls();
    Held { limits, files, calls }
}

mod limits {
    use std::io;

    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    use super::Bounds;

    /// How much longer a process may live that does not end when its time is over.
    const GRACE_SECS: u64 = 2;

    /// What is set.
    pub(super) struct Limits {
        cpu_secs: u64,
        #[cfg(target_os = "linux")]
        memory_bytes: u64,
    }

    impl Limits {
        /// For a process that can still open files.
        pub(super) fn of(bounds: &Bounds) -> Self {
            Self {
                cpu_secs: bounds.cpu_secs,
                #[cfg(target_os = "linux")]
                memory_bytes: mapped_bytes().saturating_add(bounds.memory_bytes),
            }
        }

        pub(super) fn set(&self) -> io::Result<()> {
            for resource in [Resource::Core, Resource::Fsize, Resource::Nofile, Resource::Nproc] {
                set_one(resource, 0, 0)?;
            }
            set_one(Resource::Cpu, self.cpu_secs, self.cpu_secs.saturating_add(GRACE_SECS))?;
            #[cfg(target_os = "linux")]
            set_one(Resource::As, self.memory_bytes, self.memory_bytes)?;
            Ok(())
        }
    }

    /// Never more than what is allowed already.
    fn set_one(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
        let most = getrlimit(resource).maximum.unwrap_or(u64::MAX);
        setrlimit(resource, Rlimit { current: Some(soft.min(most)), maximum: Some(hard.min(most)) })?;
        Ok(())
    }

    /// What the program itself and its allocator have reserved. Where the system does not say, that is taken for a lot.
    #[cfg(target_os = "linux")]
    fn mapped_bytes() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        mapped_in(&status).unwrap_or(1 << 30)
    }

    #[cfg(target_os = "linux")]
    fn mapped_in(status: &str) -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix("VmSize:"))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
    }

    #[cfg(all(test, target_os = "linux"))]
    mod tests {
        use super::*;

        #[test]
        fn the_size_of_a_process_is_read() {
            assert_eq!(mapped_in("Name:\thub\nVmPeak:\t  300 kB\nVmSize:\t  200 kB\n"), Some(200 * 1024));
            assert_eq!(mapped_in("Name:\thub\n"), None);
            assert!(mapped_in(&std::fs::read_to_string("/proc/self/status").unwrap()).is_some_and(|bytes| bytes > 1 << 20));
        }
    }
}

#[cfg(target_os = "linux")]
mod system {
    use landlock::{
        ABI, Access as _, AccessFs, AccessNet, RestrictionStatus, Ruleset, RulesetAttr as _, RulesetError, RulesetStatus, Scope,
    };

    /// Everything that this version of Landlock knows is forbidden, as far as the kernel knows it, too.
    const LANDLOCK: ABI = ABI::V6;

    pub(super) fn close_files() -> bool {
        landlock().is_ok_and(|status| status.ruleset != RulesetStatus::NotEnforced)
    }

    fn landlock() -> Result<RestrictionStatus, RulesetError> {
        Ruleset::default()
            .handle_access(AccessFs::from_all(LANDLOCK))?
            .handle_access(AccessNet::from_all(LANDLOCK))?
            .scope(Scope::from_all(LANDLOCK))?
            .create()?
            .restrict_self()
    }

    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    pub(super) fn close_calls() -> bool {
        super::calls::filter().is_ok_and(|filter| seccompiler::apply_filter(&filter).is_ok())
    }

    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    pub(super) fn close_calls() -> bool {
        false
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    pub(super) fn close_files() -> bool {
        false
    }

    pub(super) fn close_calls() -> bool {
        false
    }
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod calls {
    use std::collections::BTreeMap;

    use seccompiler::{
        BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
        TargetArch,
    };

    /// What computing takes: memory, the clock, random numbers (of hash tables), locks, signals of its own, and an end.
    const COMPUTING: &[libc::c_long] = &[
        libc::SYS_brk,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        libc::SYS_clock_gettime,
        libc::SYS_getrandom,
        libc::SYS_futex,
        libc::SYS_sched_yield,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_restart_syscall,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];

    /// Every other call fails as one that is not permitted.
    pub(super) fn filter() -> Result<BpfProgram, BackendError> {
        let mut rules: BTreeMap<i64, Vec<SeccompRule>> = COMPUTING.iter().map(|call| (*call, Vec::new())).collect();
        rules.insert(libc::SYS_read, vec![when(0, SeccompCmpOp::Eq, 0)?]);
        for call in [libc::SYS_write, libc::SYS_writev] {
            rules.insert(call, vec![when(0, SeccompCmpOp::Eq, 1)?, when(0, SeccompCmpOp::Eq, 2)?]);
        }
        // Memory that can be run is not to be had.
        for call in [libc::SYS_mmap, libc::SYS_mprotect] {
            rules.insert(call, vec![when(2, SeccompCmpOp::MaskedEq(libc::PROT_EXEC as u64), 0)?]);
        }
        // It may end itself, and nobody else.
        rules.insert(libc::SYS_tgkill, vec![when(0, SeccompCmpOp::Eq, u64::from(std::process::id()))?]);
        let refused = SeccompAction::Errno(libc::EPERM as u32);
        let machine: TargetArch = std::env::consts::ARCH.try_into()?;
        SeccompFilter::new(rules, refused, SeccompAction::Allow, machine)?.try_into()
    }

    /// For an argument of a call, of 32 bits.
    fn when(argument: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompRule, BackendError> {
        SeccompRule::new(vec![SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)?])
    }
}
