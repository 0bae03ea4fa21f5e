package npy

import (
	"archive/zip"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// An archive may unpack to so many bytes, and so many more for each byte of it. Weights and images are far below; what deflate makes of
// zeros, a thousandth, is not.
const (
	maxUnpacked      = 32 << 20
	maxUnpackedRatio = 64
)

const suffix = ".npy"

// ReadNPZ reads a .npz file of size bytes: its arrays by name, without .npy, or only those named. Members that are to be read and are no
// arrays, or have equal names, are an error.
func ReadNPZ(r io.ReaderAt, size int64, only ...string) (map[string]Array, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("npy: not a .npz file: %w", err)
	}
	if err := checkUnpacked(archive, size); err != nil {
		return nil, fmt.Errorf("npy: %w", err)
	}
	arrays := map[string]Array{}
	for _, f := range archive.File {
		name, ok := strings.CutSuffix(f.Name, suffix)
		if len(only) > 0 && !slices.Contains(only, name) {
			continue
		}
		if !ok {
			return nil, fmt.Errorf("npy: member %q of the archive: want only names that end with %s", f.Name, suffix)
		}
		if _, twice := arrays[name]; twice {
			return nil, fmt.Errorf("npy: the archive has two members %q", f.Name)
		}
		if arrays[name], err = readMember(f); err != nil {
			return nil, fmt.Errorf("npy: member %q: %w", f.Name, err)
		}
	}
	return arrays, nil
}

// checkUnpacked compares what all members declare to unpack to with the size of the archive. They are held to it when they are read.
func checkUnpacked(archive *zip.Reader, size int64) error {
	most := uint64(maxUnpacked + maxUnpackedRatio*size)
	rest := most
	for _, f := range archive.File {
		if f.UncompressedSize64 > rest {
			return fmt.Errorf("an archive of %d bytes that unpacks to more than %d: want none that is mostly zeros; numpy.savez does not pack", size, most)
		}
		rest -= f.UncompressedSize64
	}
	return nil
}

func readMember(f *zip.File) (Array, error) {
	r, err := f.Open()
	if err != nil {
		return Array{}, err
	}
	defer r.Close()
	return read(r, int64(f.UncompressedSize64))
}

// WriteNPZ writes the arrays as .npz, packed, in the order of their names. Equal arrays give equal bytes.
func WriteNPZ(w io.Writer, arrays map[string]Array) error {
	archive := zip.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(arrays)) {
		member, err := archive.Create(name + suffix)
		if err != nil {
			return fmt.Errorf("npy: %w", err)
		}
		if err := Write(member, arrays[name]); err != nil {
			return err
		}
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("npy: %w", err)
	}
	return nil
}
