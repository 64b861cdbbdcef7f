"""The numbers of Linux's system calls, as far as confinement names them.

Sources: `arch/x86/entry/syscalls/syscall_64.tbl` and `scripts/syscall.tbl` of Linux 6.18. A call
that an architecture does not have is missing there: aarch64 has no `fork` and no `chmod`, only
`clone` and `fchmodat`. From 424 on, all architectures count alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass

NEWEST = 462
"""The newest call that is let through (`mseal`, Linux 6.10): what later ones do is not known."""

_ALIKE = {
    "pidfd_send_signal": 424,
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "pidfd_open": 434,
    "clone3": 435,
    "pidfd_getfd": 438,
    "process_madvise": 440,
    "mount_setattr": 442,
    "quotactl_fd": 443,
    "memfd_secret": 447,
    "process_mrelease": 448,
    "fchmodat2": 452,
    "statmount": 457,
    "listmount": 458,
    "lsm_set_self_attr": 460,
}

_X86_64 = """
    socket 41  socketpair 53  connect 42  sendto 44  sendmmsg 307  fcntl 72  ioctl 16
    clone 56  fork 57  vfork 58  execve 59  execveat 322
    kill 62  tkill 200  tgkill 234  rt_sigqueueinfo 129  rt_tgsigqueueinfo 297
    ptrace 101  process_vm_readv 310  process_vm_writev 311  kcmp 312  perf_event_open 298
    bpf 321  userfaultfd 323  personality 135  modify_ldt 154  iopl 172  ioperm 173
    unshare 272  setns 308  mount 165  umount2 166  pivot_root 155  chroot 161
    swapon 167  swapoff 168  acct 163  quotactl 179  name_to_handle_at 303
    open_by_handle_at 304  lookup_dcookie 212  fanotify_init 300  mknod 133  mknodat 259
    uselib 134  ustat 136  sysfs 139  _sysctl 156  nfsservctl 180
    keyctl 250  add_key 248  request_key 249  init_module 175  finit_module 313
    delete_module 176  kexec_load 246  kexec_file_load 320  reboot 169  syslog 103  vhangup 153
    sethostname 170  setdomainname 171  settimeofday 164  clock_settime 227  clock_adjtime 305
    adjtimex 159
    shmget 29  shmat 30  shmctl 31  semget 64  semop 65  semctl 66  semtimedop 220
    msgget 68  msgsnd 69  msgrcv 70  msgctl 71
    mq_open 240  mq_unlink 241  memfd_create 319
    prlimit64 302  setpriority 141  sched_setscheduler 144  sched_setparam 142
    sched_setattr 314  sched_setaffinity 203  ioprio_set 251  migrate_pages 256  move_pages 279
    setpgid 109  setsid 112  setuid 105  setgid 106  setreuid 113  setregid 114
    setresuid 117  setresgid 119  setgroups 116  setfsuid 122  setfsgid 123
    chmod 90  fchmod 91  fchmodat 268  chown 92  fchown 93  lchown 94  fchownat 260
    inotify_init 253  inotify_init1 294  inotify_add_watch 254
    setxattr 188  lsetxattr 189  fsetxattr 190  removexattr 197  lremovexattr 198
    fremovexattr 199  utime 132  utimes 235  futimesat 261  utimensat 280
"""

_AARCH64 = """
    socket 198  socketpair 199  connect 203  sendto 206  sendmmsg 269  fcntl 25  ioctl 29
    clone 220  execve 221  execveat 281
    kill 129  tkill 130  tgkill 131  rt_sigqueueinfo 138  rt_tgsigqueueinfo 240
    ptrace 117  process_vm_readv 270  process_vm_writev 271  kcmp 272  perf_event_open 241
    bpf 280  userfaultfd 282  personality 92
    unshare 97  setns 268  mount 40  umount2 39  pivot_root 41  chroot 51
    swapon 224  swapoff 225  acct 89  quotactl 60  name_to_handle_at 264
    open_by_handle_at 265  lookup_dcookie 18  fanotify_init 262  mknodat 33  nfsservctl 42
    keyctl 219  add_key 217  request_key 218  init_module 105  finit_module 273
    delete_module 106  kexec_load 104  kexec_file_load 294  reboot 142  syslog 116  vhangup 58
    sethostname 161  setdomainname 162  settimeofday 170  clock_settime 112  clock_adjtime 266
    adjtimex 171
    shmget 194  shmat 196  shmctl 195  semget 190  semop 193  semctl 191  semtimedop 192
    msgget 186  msgsnd 189  msgrcv 188  msgctl 187
    mq_open 180  mq_unlink 181  memfd_create 279
    prlimit64 261  setpriority 140  sched_setscheduler 119  sched_setparam 118
    sched_setattr 274  sched_setaffinity 122  ioprio_set 30  migrate_pages 238  move_pages 239
    setpgid 154  setsid 157  setuid 146  setgid 144  setreuid 145  setregid 143
    setresuid 147  setresgid 149  setgroups 159  setfsuid 151  setfsgid 152
    fchmod 52  fchmodat 53  fchown 55  fchownat 54
    inotify_init1 26  inotify_add_watch 27
    setxattr 5  lsetxattr 6  fsetxattr 7  removexattr 14  lremovexattr 15
    fremovexattr 16  utimensat 88
"""


@dataclass(frozen=True, slots=True)
class Architecture:
    """A kind of processor as the kernel names it.

    Attributes:
        audit: the number by which a filter knows it (`AUDIT_ARCH_*`).
        calls: the numbers of its system calls, by name.
        seccomp: the number of the call that installs a filter.
    """

    audit: int
    calls: Mapping[str, int]
    seccomp: int


def _table(text: str) -> dict[str, int]:
    words = text.split()
    return _ALIKE | {
        name: int(number) for name, number in zip(words[::2], words[1::2], strict=True)
    }


ARCHITECTURES: Mapping[str, Architecture] = {
    "x86_64": Architecture(0xC000_003E, _table(_X86_64), seccomp=317),
    "aarch64": Architecture(0xC000_00B7, _table(_AARCH64), seccomp=277),
}
"""By what `uname -m` says. The table of aarch64 is compared with the kernel's own, never run."""
