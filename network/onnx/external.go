package onnx

import (
	"errors"
	"fmt"
	"hash"
	"os"
	"path/filepath"
	"strconv"
)

// external reads data in other files. Paths that lead out of the folder, by their names or by links, are refused.
type external struct {
	path   string   // of the folder; "" = no data is read
	root   *os.Root // opened when first needed
	digest hash.Hash
	taken  int64 // bytes
}

func (f *external) close() {
	if f.root != nil {
		f.root.Close()
	}
}

// read gives the bytes that a tensor names: location, offset and length, of which the last must be what its shape needs.
func (f *external) read(where []Property, want int64) ([]byte, error) {
	if f.path == "" {
		return nil, errors.New("data in another file: want a file that has all")
	}
	location, offset, length := "", int64(0), want
	for _, p := range where {
		var err error
		switch p.Key {
		case "location":
			location = p.Value
		case "offset":
			offset, err = strconv.ParseInt(p.Value, 10, 64)
		case "length":
			length, err = strconv.ParseInt(p.Value, 10, 64)
		}
		if err != nil {
			return nil, fmt.Errorf("external data: %s %q: want a number", p.Key, p.Value)
		}
	}
	switch {
	case !filepath.IsLocal(location):
		return nil, fmt.Errorf("external data in %q: want a file in the folder of the model", location)
	case offset < 0 || length != want:
		return nil, fmt.Errorf("external data: %d bytes at %d: want %d bytes, as the shape needs", length, offset, want)
	}
	if f.taken += want; f.taken > MaxBytes {
		return nil, fmt.Errorf("external data of more than %d bytes", MaxBytes)
	}
	content, err := f.section(location, offset, want)
	if err != nil {
		return nil, fmt.Errorf("external data: %w", err)
	}
	f.digest.Write(content)
	return content, nil
}

// section reads part of a file in the folder.
func (f *external) section(name string, offset, length int64) (content []byte, err error) {
	if f.root == nil {
		if f.root, err = os.OpenRoot(f.path); err != nil {
			return nil, err
		}
	}
	info, err := f.root.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || offset > info.Size() || length > info.Size()-offset {
		return nil, fmt.Errorf("%s: want a regular file with %d bytes at %d", name, length, offset)
	}
	file, err := f.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content = make([]byte, length)
	_, err = file.ReadAt(content, offset)
	return content, err
}
