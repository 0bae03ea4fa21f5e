package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// System is what writing asks of the operating system.
type System interface {
	Mkdir(path string) error
	CreateTemp(folder, pattern string) (File, error)
	CreateNew(path string) (File, error) // fails with fs.ErrExist if there is something
	Rename(from, to string) error
	Link(from, to string) error
	Remove(path string) error
	SyncFolder(path string) error
}

// File is a file on its way.
type File interface {
	io.WriteCloser
	Name() string
	Chmod(mode fs.FileMode) error
	Sync() error
}

var system System = operatingSystem{}

// Use has everything written through another system until restore is called. It is for tests, which put faults between
// (package faults), and for moments at which nothing is written.
func Use(s System) (restore func()) {
	before := system
	system = s
	return func() { system = before }
}

// Current is the system that is in use.
func Current() System { return system }

type operatingSystem struct{}

func (operatingSystem) Mkdir(path string) error { return os.Mkdir(path, 0o755) }

func (operatingSystem) CreateTemp(folder, pattern string) (File, error) {
	f, err := os.CreateTemp(folder, pattern)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (operatingSystem) CreateNew(path string) (File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (operatingSystem) Rename(from, to string) error { return os.Rename(from, to) }

func (operatingSystem) Link(from, to string) error { return os.Link(from, to) }

func (operatingSystem) Remove(path string) error { return os.Remove(path) }

func (operatingSystem) SyncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
