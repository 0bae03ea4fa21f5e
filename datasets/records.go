package datasets

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
)

// records is the binary version of CIFAR-10 (https://www.cs.toronto.edu/~kriz/cifar.html): files of records, each a byte
// of class and then the levels of an image, channel after channel.
//
// Copies of the set are about whose records have another order, or were packed anew. So the set is identified by its
// records, whatever their order: samples are numbered by the SHA-256 of their records, in increasing order.
type records struct {
	content [2]string // of each split: the SHA-256 of the SHA-256s of all records, in increasing order
}

func (r records) checksum(entry) string {
	sum := sha256.Sum256([]byte(strings.Join(r.content[:], "\n")))
	return hex.EncodeToString(sum[:])
}

func (r records) read(s *Published, split Split, from, to int) (pixels, labels []uint8, err error) {
	all, err := r.load(s, split)
	if err != nil {
		return nil, nil, err
	}
	shape := s.entry.Shape
	size := shape.Size()
	pixels, labels = make([]uint8, (to-from)*size), make([]uint8, to-from)
	for i, record := range all[from:to] {
		labels[i] = record[0]
		interleave(pixels[i*size:(i+1)*size], record[1:], shape.Channels)
	}
	return pixels, labels, nil
}

// verify has a check for each file; where all are sound but do not hold the published images, all have that error.
func (r records) verify(s *Published) []Check {
	var checks []Check
	for _, split := range []Split{Train, Test} {
		_, err := r.load(s, split)
		var broken *fileError
		for i, f := range s.entry.files {
			if f.split != split {
				continue
			}
			check := Check{File: s.paths[i], Err: err}
			if errors.As(err, &broken) && broken.path != s.paths[i] {
				check.Err = nil
			}
			checks = append(checks, check)
		}
	}
	return checks
}

// fileError is what is wrong with one file of records by itself.
type fileError struct {
	path  string
	cause error
}

func (e *fileError) Error() string { return "datasets: " + e.path + ": " + e.cause.Error() }
func (e *fileError) Unwrap() error { return e.cause }

// load reads all records of a split, checks them and puts them into order.
func (r records) load(s *Published, split Split) ([][]byte, error) {
	size := 1 + s.entry.Shape.Size()
	all := make([][]byte, 0, s.entry.size(split))
	var group sync.WaitGroup
	errs := make([]error, len(s.paths))
	for i, f := range s.entry.files {
		if f.split != split {
			continue
		}
		content := make([]byte, f.bytes)
		all = slices.AppendSeq(all, slices.Chunk(content, size))
		group.Go(func() {
			if err := readRecords(content, s.paths[i], size, s.entry.Classes); err != nil {
				errs[i] = &fileError{s.paths[i], err}
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	got := arrange(all)
	if want := r.content[split]; got != want {
		return nil, fmt.Errorf("datasets: %s: the images of the %v split have SHA-256 %s: want %s, so these are not the published ones",
			s.folder, split, got, want)
	}
	return all, nil
}

// readRecords fills content with the file at path, which must hold exactly as much.
func readRecords(content []byte, path string, size, classes int) error {
	disk, err := os.Open(path)
	if err != nil {
		return err
	}
	defer disk.Close()
	var r io.Reader = bufio.NewReaderSize(disk, 1<<16)
	if packed(path) {
		if r, err = gzip.NewReader(r); err != nil {
			return damaged(err)
		}
	}
	return decodeRecords(content, r, size, classes)
}

func decodeRecords(content []byte, r io.Reader, size, classes int) error {
	n, err := io.ReadFull(r, content)
	if err != nil && !ended(err) {
		return damaged(err)
	}
	more, err := io.Copy(io.Discard, io.LimitReader(r, 1))
	switch {
	case err != nil:
		return damaged(err)
	case more > 0:
		return fmt.Errorf("more than %d bytes: want %d records of %d bytes", len(content), len(content)/size, size)
	case n < len(content):
		return fmt.Errorf("%d bytes: want %d, %d records of %d bytes", n, len(content), len(content)/size, size)
	}
	for i := 0; i < len(content); i += size {
		if int(content[i]) >= classes {
			return fmt.Errorf("record %d has class %d: want a class below %d", i/size, content[i], classes)
		}
	}
	return nil
}

// arrange sorts records by their SHA-256 and gives the SHA-256 of these.
func arrange(all [][]byte) string {
	type keyed struct {
		sum    [sha256.Size]byte
		record []byte
	}
	list := make([]keyed, len(all))
	for i, record := range all {
		list[i] = keyed{sha256.Sum256(record), record}
	}
	slices.SortFunc(list, func(a, b keyed) int { return bytes.Compare(a.sum[:], b.sum[:]) })
	hash := sha256.New()
	for i, k := range list {
		all[i] = k.record
		hash.Write(k.sum[:])
	}
	return hex.EncodeToString(hash.Sum(nil))
}

// interleave turns values that lie channel after channel into channels last.
func interleave[T any](dst, src []T, channels int) {
	plane := len(src) / channels
	for c := range channels {
		for i, v := range src[c*plane : (c+1)*plane] {
			dst[i*channels+c] = v
		}
	}
}
