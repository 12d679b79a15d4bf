//! What sled takes for a sync becomes one. sled calls `sync_file_range` behind each write of its log and then holds the bytes for
//! safe: it notes so in the next segment, and gives segments free that they replace. But that call promises nothing about a power
//! cut. The program's own definition comes before the C library's, so sled gets an `fdatasync`, and its own rules hold.
//! In: sled's calls. Never: a range that is called safe and is not.

use std::ffi::{c_int, c_uint};

/// Returns 0 once everything written to `fd` is safe; otherwise -1 and `errno`, as the system's call of this name does.
// Nobody calls it by its Rust name: the linker gives it to sled.
#[unsafe(no_mangle)]
#[expect(
    unsafe_code,
    reason = "a symbol of the C library is defined, and its neighbour called"
)]
extern "C" fn sync_file_range(fd: c_int, _offset: i64, _bytes: i64, _flags: c_uint) -> c_int {
    // SAFETY: fdatasync takes any number, and says EBADF where it is no descriptor.
    unsafe { libc::fdatasync(fd) }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd as _;

    /// The system's own call would refuse these flags.
    #[test]
    #[expect(unsafe_code, reason = "the symbol is called as sled calls it")]
    fn sled_gets_this_one() {
        let file = tempfile::tempfile().expect("a file");
        let no_flags = 0xffff;
        // SAFETY: the descriptor is open, and the call touches no memory of ours.
        let done = unsafe { libc::sync_file_range(file.as_raw_fd(), 0, 0, no_flags) };
        assert_eq!(done, 0);
    }
}
