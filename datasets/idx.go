package datasets

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// idx is the format of the sets that are like MNIST: each split has a file of images and one of labels.
type idx struct{}

func (idx) read(s *Published, split Split, from, to int) (pixels, labels []uint8, err error) {
	images := 2 * int(split)
	if pixels, err = readIDX(s.paths[images], s.entry.files[images], from, to); err != nil {
		return nil, nil, err
	}
	labels, err = readIDX(s.paths[images+1], s.entry.files[images+1], from, to)
	return pixels, labels, err
}

func (idx) checksum(e entry) string {
	var sums []string
	for _, f := range e.files {
		sums = append(sums, f.md5)
	}
	sum := sha256.Sum256([]byte(strings.Join(sums, "\n")))
	return hex.EncodeToString(sum[:])
}

func (idx) verify(s *Published) []Check {
	var checks []Check
	for i, f := range s.entry.files {
		checks = append(checks, Check{s.paths[i], f.verify(s.paths[i])})
	}
	return checks
}

// readIDX reads items [from,to) of an IDX file of bytes (http://yann.lecun.com/exdb/mnist: the magic number
// 0x0800 + rank, the dimensions, then the data, all big-endian). It reads to the end in order to check the
// length and the SHA-256 of the file as it lies on disk.
func readIDX(path string, f file, from, to int) ([]uint8, error) {
	disk, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("datasets: %w", err)
	}
	defer disk.Close()
	hash := sha256.New()
	raw := bufio.NewReaderSize(io.TeeReader(disk, hash), 1<<16)
	items, err := decodeFile(raw, packed(path), f.dims, from, to)
	if err == nil {
		err = compareSHA256(hex.EncodeToString(hash.Sum(nil)), f.wantSHA256(path))
	}
	if err != nil {
		return nil, fmt.Errorf("datasets: %s: %w", path, err)
	}
	return items, nil
}

// decodeFile unpacks if need be and reads r to its end.
func decodeFile(r io.Reader, packed bool, dims []int, from, to int) ([]uint8, error) {
	if !packed {
		return decodeIDX(r, dims, from, to)
	}
	unpacked, err := gzip.NewReader(r)
	if err != nil {
		return nil, damaged(err)
	}
	return decodeIDX(unpacked, dims, from, to)
}

// decodeIDX checks that r is an IDX stream of exactly these dimensions and gives items [from,to), where an
// item is one step of the first dimension.
func decodeIDX(r io.Reader, dims []int, from, to int) ([]uint8, error) {
	if err := checkHeader(r, dims); err != nil {
		return nil, err
	}
	return decodeItems(r, dims, from, to)
}

// decodeItems reads what comes after the header, to its end.
func decodeItems(r io.Reader, dims []int, from, to int) ([]uint8, error) {
	item := 1
	for _, d := range dims[1:] {
		item *= d
	}
	items := make([]uint8, (to-from)*item)
	skipped, err := io.CopyN(io.Discard, r, int64(from*item))
	read := 0
	if err == nil {
		read, err = io.ReadFull(r, items)
	}
	if err != nil && !ended(err) {
		return nil, damaged(err)
	}
	// What lies between is bounded, as a packed file may be small and its content without end.
	want := int64(dims[0] * item)
	rest, err := io.Copy(io.Discard, io.LimitReader(r, want-skipped-int64(read)+1))
	if err != nil {
		return nil, damaged(err)
	}
	switch got := skipped + int64(read) + rest; {
	case got < want:
		return nil, fmt.Errorf("%d bytes after the header: want %d", got, want)
	case got > want:
		return nil, fmt.Errorf("more than %d bytes after the header", want)
	}
	return items, nil
}

func checkHeader(r io.Reader, dims []int) error {
	header := make([]uint32, 1+len(dims))
	if err := binary.Read(r, binary.BigEndian, header); err != nil {
		if ended(err) {
			return fmt.Errorf("ends within the IDX header of %d bytes", 4*len(header))
		}
		return damaged(err)
	}
	if want := uint32(0x0800 + len(dims)); header[0] != want {
		return fmt.Errorf("magic number %#08x: want %#08x (IDX, bytes, rank %d)", header[0], want, len(dims))
	}
	for i, want := range dims {
		if header[1+i] != uint32(want) {
			return fmt.Errorf("dimensions %d: want %d", header[1:], dims)
		}
	}
	return nil
}

// ended says whether the data merely stopped, which the caller reports by its length. A gzip stream that stops
// before its trailer gives io.ErrUnexpectedEOF too; the read that follows reports it as damaged.
func ended(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

func damaged(err error) error { return fmt.Errorf("damaged or cut short: %w", err) }
