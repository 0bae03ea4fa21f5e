package atomicfile

import (
	"errors"
	"syscall"
)

// NoLocks tells whether locking failed because the file system of the file has no locks, as some that hosts share.
func NoLocks(lock error) bool {
	return errors.Is(lock, syscall.ENOLCK) || errors.Is(lock, syscall.ENOSYS) || errors.Is(lock, syscall.EOPNOTSUPP)
}
