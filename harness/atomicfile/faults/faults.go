// Package faults makes calls of the file system fail, so that tests see what becomes of the files then.
package faults

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"hepex/harness/atomicfile"
)

// Way is how a call fails.
type Way string

// The ways.
const (
	Before Way = "nothing is done"
	After  Way = "it is done, but an error comes back" // as when the answer of a server is lost
	Half   Way = "half of it is written"               // of a write; other calls do nothing
	Death  Way = "the file system is gone from then on"
)

// Ways are all of them.
var Ways = []Way{Before, After, Half, Death}

// Err is what calls fail with.
var Err = errors.New("injected fault")

// Fault is one call that fails: the one with so many before it.
type Fault struct {
	Call int
	Way  Way
}

// Log is what was called.
type Log struct {
	mu    sync.Mutex
	fault Fault
	calls []string
}

// Inject puts a fault between atomicfile and the operating system until the test ends or the log is closed.
func Inject(t testing.TB, f Fault) (l *Log, restore func()) {
	t.Helper()
	l = &Log{fault: f}
	restore = atomicfile.Use(system{atomicfile.Current(), l})
	t.Cleanup(restore)
	return l, restore
}

// Failed is the call that failed, empty if it never came to it.
func (l *Log) Failed() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fault.Call >= len(l.calls) {
		return ""
	}
	return l.calls[l.fault.Call]
}

// Calls are all calls in their order, each with the name of its file.
func (l *Log) Calls() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.calls)
}

// call does something that may have to fail.
func (l *Log) call(op, path string, do func() error) error {
	l.mu.Lock()
	n := len(l.calls)
	l.calls = append(l.calls, op+" "+filepath.Base(path))
	l.mu.Unlock()
	fault := &fs.PathError{Op: op, Path: path, Err: Err}
	switch {
	case n < l.fault.Call, n > l.fault.Call && l.fault.Way != Death:
		return do()
	case l.fault.Way == After:
		return errors.Join(do(), fault)
	default:
		return fault
	}
}

// halves tells whether the write at hand writes half.
func (l *Log) halves() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fault.Way == Half && len(l.calls) == l.fault.Call
}

type system struct {
	real atomicfile.System
	log  *Log
}

func (s system) Mkdir(path string) error {
	return s.log.call("mkdir", path, func() error { return s.real.Mkdir(path) })
}

func (s system) CreateTemp(folder, pattern string) (f atomicfile.File, err error) {
	err = s.log.call("create", pattern, func() (err error) {
		f, err = s.real.CreateTemp(folder, pattern)
		return err
	})
	return s.file(f, err)
}

func (s system) CreateNew(path string) (f atomicfile.File, err error) {
	err = s.log.call("create", path, func() (err error) {
		f, err = s.real.CreateNew(path)
		return err
	})
	return s.file(f, err)
}

func (s system) file(f atomicfile.File, err error) (atomicfile.File, error) {
	if err == nil {
		return file{f, s.log}, nil
	}
	if f != nil {
		_ = f.Close()
	}
	return nil, err
}

func (s system) Rename(from, to string) error {
	return s.log.call("rename", to, func() error { return s.real.Rename(from, to) })
}

func (s system) Link(from, to string) error {
	return s.log.call("link", to, func() error { return s.real.Link(from, to) })
}

func (s system) Remove(path string) error {
	return s.log.call("remove", path, func() error { return s.real.Remove(path) })
}

func (s system) SyncFolder(path string) error {
	return s.log.call("sync folder", path, func() error { return s.real.SyncFolder(path) })
}

type file struct {
	atomicfile.File
	log *Log
}

func (f file) Write(b []byte) (n int, err error) {
	half := f.log.halves()
	err = f.log.call("write", f.Name(), func() (err error) {
		n, err = f.File.Write(b)
		return err
	})
	if half {
		n, _ = f.File.Write(b[:len(b)/2])
	}
	return n, err
}

func (f file) Chmod(mode fs.FileMode) error {
	return f.log.call("chmod", f.Name(), func() error { return f.File.Chmod(mode) })
}

func (f file) Sync() error { return f.log.call("sync", f.Name(), f.File.Sync) }

func (f file) Close() error {
	err := f.File.Close() // in any case: tests have many
	return f.log.call("close", f.Name(), func() error { return err })
}
