// Package atomicfile writes files that appear whole or not at all, whatever kills the process.
package atomicfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// prefix of temporary files; the host and the process that write one stand behind it.
const prefix = ".tmp-"

// forgotten is the age at which a temporary file of another host, whose processes nobody can ask about, is left over.
const forgotten = 24 * time.Hour

// Write puts the content into a temporary file beside path, makes it durable and renames it to path, all
// in a folder that is created if missing.
func Write(path string, content []byte) error {
	return WriteWith(path, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// WriteWith is Write with the content written by a function. If that fails, nothing is left.
func WriteWith(path string, write func(io.Writer) error) error {
	return writeWith(path, readable, write)
}

// WritePrivateWith is WriteWith for a file that nobody else may read.
func WritePrivateWith(path string, write func(io.Writer) error) error {
	return writeWith(path, private, write)
}

// Modes of files.
const (
	readable fs.FileMode = 0o644
	private  fs.FileMode = 0o600
)

func writeWith(path string, mode fs.FileMode, write func(io.Writer) error) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() { // before the work, not as a rename that fails after it
		return &fs.PathError{Op: "write", Path: path, Err: syscall.EISDIR}
	}
	temporary, err := writeTemporary(filepath.Dir(path), mode, write)
	if err != nil {
		return err
	}
	if err := system.Rename(temporary, path); err != nil {
		return errors.Join(err, Remove(temporary))
	}
	return system.SyncFolder(filepath.Dir(path))
}

// writeTemporary writes a durable file beside the one that it is to become.
func writeTemporary(folder string, mode fs.FileMode, write func(io.Writer) error) (path string, err error) {
	if err := MakeFolder(folder); err != nil {
		return "", err
	}
	f, err := system.CreateTemp(folder, fmt.Sprintf("%s%s.%d-*", prefix, host(), os.Getpid()))
	if err != nil {
		return "", err
	}
	if err := finish(f, mode, write); err != nil {
		return "", errors.Join(err, Remove(f.Name()))
	}
	return f.Name(), nil
}

// finish writes a file and closes it. Of what goes wrong, the first counts: the rest follows from it.
func finish(f File, mode fs.FileMode, write func(io.Writer) error) error {
	for _, step := range []func() error{
		func() error { return write(f) },
		func() error { return f.Chmod(mode) },
		f.Sync,
	} {
		if err := step(); err != nil {
			_ = f.Close()
			return err
		}
	}
	return f.Close()
}

// host is this machine's name, once.
var host = sync.OnceValue(func() string {
	name, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return name
})

// Clean removes the temporary files below a folder that processes of this host left behind which no longer run, and those
// that processes of other hosts, which share the folder, left there long ago.
func Clean(folder string) error {
	return filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		if leftOver(d) {
			return Remove(path)
		}
		return nil
	})
}

// leftOver tells whether nobody writes a temporary file any more.
func leftOver(d fs.DirEntry) bool {
	name, pid, ok := writer(d.Name())
	if !ok || name == host() {
		return ok && !running(pid)
	}
	info, err := d.Info()
	return err == nil && time.Since(info.ModTime()) > forgotten
}

// writer tells which process, and of which host, a temporary file belongs to.
func writer(file string) (host string, pid int, ok bool) {
	owner, ok := strings.CutPrefix(file, prefix)
	if !ok {
		return "", 0, false
	}
	owner = owner[:max(0, strings.LastIndexByte(owner, '-'))]
	dot := strings.LastIndexByte(owner, '.')
	if dot < 0 {
		return "", 0, false
	}
	pid, err := strconv.Atoi(owner[dot+1:])
	return owner[:dot], pid, err == nil
}

// running tells whether a process can still write. One that has ended, and that its parent has not asked about, cannot.
func running(pid int) bool {
	if err := syscall.Kill(pid, 0); err != nil {
		return errors.Is(err, syscall.EPERM)
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	state := bytes.TrimSpace(stat[bytes.LastIndexByte(stat, ')')+1:]) // the name, in parentheses, can hold anything
	return err != nil || !bytes.HasPrefix(state, []byte("Z"))
}
