package modelfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"hepex/network/onnx"
)

// readFile reads a regular file that is not too large.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path) // before opening: a pipe would wait for its other end
	if err != nil {
		return nil, cause(err)
	}
	switch {
	case !info.Mode().IsRegular():
		return nil, errors.New("want a regular file")
	case info.Size() > onnx.MaxBytes:
		return nil, fmt.Errorf("%d bytes: want at most %d", info.Size(), onnx.MaxBytes)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, cause(err)
	}
	defer f.Close()
	content := make([]byte, info.Size())
	if _, err := io.ReadFull(f, content); err != nil {
		return nil, err
	}
	return content, nil
}

// cause is an error of the file system without the path, which callers name.
func cause(err error) error {
	var system *fs.PathError
	if errors.As(err, &system) {
		return system.Err
	}
	return err
}
