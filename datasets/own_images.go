package datasets

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// A packed file may hold so many bytes, and so many more for each byte of it: more than images do, far less than gzip makes of zeros.
const (
	maxUnpacked      = 32 << 20
	maxUnpackedRatio = 16
)

// content is an open file of images, unpacked.
type content struct {
	io.Reader
	path string
	most int64 // bytes that it may have
	file *os.File
}

func openContent(path string) (*content, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	c := &content{bufio.NewReader(file), path, info.Size(), file}
	if packed(path) {
		if c.Reader, err = gzip.NewReader(c.Reader); err != nil {
			return nil, errors.Join(c.wrap(damaged(err)), file.Close())
		}
		c.most = maxUnpacked + maxUnpackedRatio*info.Size()
	}
	return c, nil
}

func (c *content) Close() error { return c.file.Close() }

func (c *content) wrap(err error) error { return fmt.Errorf("%s: %w", c.path, err) }

// idxOwn are IDX files of bytes: images and labels of each split.
type idxOwn struct{}

func (idxOwn) read(l located, f Files) (*raw, error) {
	data := &raw{format: "IDX", bytes: true, split: l.files[Test] != nil}
	for split, paths := range l.files {
		if len(paths) == 0 {
			continue
		}
		if len(paths) != 2 {
			return nil, fmt.Errorf("%s: %d files of the %v split, such as %s: want one of images and one of labels", f.From, len(paths), Split(split), paths[0])
		}
		images, labels := paths[0], paths[1]
		classes, dims, err := readOwnIDX(labels, 1, 1)
		if err != nil {
			return nil, err
		}
		n := dims[0]
		levels, dims, err := readOwnIDX(images, 3, 4)
		if err != nil {
			return nil, err
		}
		if dims[0] != n {
			return nil, fmt.Errorf("%s: %d images, but %s has %d labels: want as many", images, dims[0], labels, n)
		}
		shape, err := gridOf(dims, "last")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", images, err)
		}
		if Split(split) == Test && shape != data.shape {
			return nil, fmt.Errorf("%s: images of %v: want %v, as the training split has", images, shape, data.shape)
		}
		data.shape = shape
		p := part{x: appendLevels(make([]float32, 0, len(levels)), levels), place: func(sample int) string { return fmt.Sprintf("%s: label %d", labels, sample) }}
		for _, class := range classes {
			p.labels = append(p.labels, int(class))
		}
		data.parts[split] = p
	}
	return data, nil
}

func appendLevels(x []float32, levels []uint8) []float32 {
	for _, v := range levels {
		x = append(x, float32(v))
	}
	return x
}

// readOwnIDX reads an IDX file of bytes with any dimensions of a rank from least to most.
func readOwnIDX(path string, least, most int) (items []uint8, dims []int, err error) {
	c, err := openContent(path)
	if err != nil {
		return nil, nil, err
	}
	defer c.Close()
	if items, dims, err = decodeAnyIDX(c, c.most, least, most); err != nil {
		return nil, nil, c.wrap(err)
	}
	return items, dims, nil
}

// decodeAnyIDX reads an IDX stream of at most so many bytes.
func decodeAnyIDX(r io.Reader, size int64, least, most int) (items []uint8, dims []int, err error) {
	word := make([]byte, 4)
	next := func() (uint32, error) {
		if _, err := io.ReadFull(r, word); err != nil {
			if ended(err) {
				return 0, errors.New("ends within the IDX header")
			}
			return 0, damaged(err)
		}
		return binary.BigEndian.Uint32(word), nil
	}
	magic, err := next()
	if err != nil {
		return nil, nil, err
	}
	if word[1] == 8 && word[2] == 0 && word[3] == 0 {
		return nil, nil, fmt.Errorf("magic number %#08x: the wrong byte order: want big-endian numbers", magic)
	}
	rank := int(magic & 0xff)
	if magic>>8 != 0x08 || rank < least || rank > most {
		return nil, nil, fmt.Errorf("magic number %#08x: want %#08x (IDX, bytes, rank %d)", magic, 0x0800+least, least)
	}
	want := int64(1)
	for range rank {
		d, err := next()
		if err != nil {
			return nil, nil, err
		}
		dims = append(dims, int(d))
		if d > 0 && want > size/int64(d) {
			return nil, nil, fmt.Errorf("the header declares dimensions %d, more than the file holds: cut short, in the wrong byte order, or packed too densely to be trusted, so unpack it", dims)
		}
		want *= int64(d)
	}
	items, err = decodeItems(r, dims, 0, dims[0])
	return items, dims, err
}

// cifarFiles are files of records like those of CIFAR-10: a byte of class, and the levels of an image, channel after channel.
type cifarFiles struct{}

func (cifarFiles) read(l located, _ Files) (*raw, error) {
	data := &raw{format: "CIFAR", bytes: true, shape: cifarForm.Shape, split: l.files[Test] != nil}
	size := 1 + data.shape.Size()
	for split, paths := range l.files {
		var from []string // file of each record
		var first []int   // number of the first record of the file
		p := part{place: func(sample int) string { return fmt.Sprintf("%s: record %d", from[sample], sample-first[sample]) }}
		for _, path := range paths {
			content, err := readOwnRecords(path, size)
			if err != nil {
				return nil, err
			}
			start := len(p.labels)
			p.x = slices.Grow(p.x, len(content))
			levels := make([]uint8, size-1)
			for record := range slices.Chunk(content, size) {
				from, first = append(from, path), append(first, start)
				p.labels = append(p.labels, int(record[0]))
				interleave(levels, record[1:], data.shape.Channels)
				p.x = appendLevels(p.x, levels)
			}
		}
		data.parts[split] = p
	}
	return data, nil
}

// readOwnRecords reads a file of whole records.
func readOwnRecords(path string, size int) ([]byte, error) {
	c, err := openContent(path)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	content, err := io.ReadAll(io.LimitReader(c, c.most+1))
	switch {
	case err != nil:
		return nil, c.wrap(damaged(err))
	case int64(len(content)) > c.most:
		return nil, c.wrap(fmt.Errorf("unpacks to more than %d bytes: want one that is not mostly zeros, or unpacked", c.most))
	case len(content) == 0 || len(content)%size != 0:
		return nil, c.wrap(fmt.Errorf("%d bytes: want records of %d bytes, a class and 3×32×32 levels", len(content), size))
	}
	return content, nil
}
