package npy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const (
	magic     = "\x93NUMPY"
	maxHeader = 1 << 16 // bytes; that of an array of 64 axes has some 2,000
	maxAxes   = 64      // of NumPy
)

// Read reads a .npy file of size bytes, all of it. Big-endian elements and those in Fortran order are put into order.
func Read(r io.Reader, size int64) (Array, error) {
	a, err := read(r, size)
	if err != nil {
		return Array{}, fmt.Errorf("npy: %w", err)
	}
	return a, nil
}

func read(r io.Reader, size int64) (Array, error) {
	text, size, err := readHeader(r, size)
	if err != nil {
		return Array{}, err
	}
	h, err := parseHeader(text)
	if err != nil {
		return Array{}, err
	}
	n, ok := h.bytes(size)
	if !ok || n != size {
		return Array{}, fmt.Errorf("the header declares elements %s with shape %v, but %d bytes follow it", h.elements, h.shape, size)
	}
	elements := make([]byte, n)
	if _, err := io.ReadFull(r, elements); err != nil {
		return Array{}, damaged(err)
	}
	// What checks a member of an archive does so at its end.
	if more, err := io.Copy(io.Discard, io.LimitReader(r, 1)); err != nil {
		return Array{}, damaged(err)
	} else if more > 0 {
		return Array{}, fmt.Errorf("more than the %d bytes of the elements follow the header", n)
	}
	width := h.elements.size()
	if h.bigEndian {
		for e := range slices.Chunk(elements, width) {
			slices.Reverse(e)
		}
	}
	if h.fortran {
		elements = toC(elements, h.shape, width)
	}
	return Array{h.shape, h.elements, elements}, nil
}

// readHeader gives the text of the header and how many of size bytes remain after it.
func readHeader(r io.Reader, size int64) (text []byte, rest int64, err error) {
	start := make([]byte, len(magic)+2)
	if _, err := io.ReadFull(r, start); err != nil || string(start[:len(magic)]) != magic {
		return nil, 0, fmt.Errorf("not a .npy file: want one that begins with %q", magic)
	}
	major := start[len(magic)]
	width := 4
	switch major {
	case 1:
		width = 2
	case 2, 3:
	default:
		return nil, 0, fmt.Errorf("file version %d: want 1 to 3", major)
	}
	length := make([]byte, 4)
	if _, err := io.ReadFull(r, length[:width]); err != nil {
		return nil, 0, damaged(err)
	}
	n := int64(binary.LittleEndian.Uint32(length))
	rest = size - int64(len(start)+width) - n
	if n > maxHeader || rest < 0 {
		return nil, 0, fmt.Errorf("header of %d bytes: want at most %d, within the file", n, maxHeader)
	}
	text = make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, 0, damaged(err)
	}
	return text, rest, nil
}

type header struct {
	elements  Type
	bigEndian bool
	fortran   bool
	shape     []int
}

// entry is a key and its value in a Python dictionary: a string, a list, a truth value or a tuple of numbers.
var entry = regexp.MustCompile(`^\s*'(\w+)'\s*:\s*('[^']*'|\[.*\]|True|False|\([0-9, ]*\))\s*(,|$)`)

// parseHeader reads a dictionary with the keys descr, fortran_order and shape, in any order.
func parseHeader(text []byte) (h header, err error) {
	text = bytes.TrimSpace(text)
	inner, opened := bytes.CutPrefix(text, []byte("{"))
	inner, closed := bytes.CutSuffix(inner, []byte("}"))
	if !opened || !closed {
		return h, errors.New("header is not a dictionary")
	}
	entries := map[string]string{}
	for len(bytes.TrimSpace(inner)) > 0 {
		m := entry.FindSubmatch(inner)
		if m == nil {
			return h, fmt.Errorf("header is damaged at %.40q", inner)
		}
		if _, twice := entries[string(m[1])]; twice {
			return h, fmt.Errorf("header has two keys %s", m[1])
		}
		entries[string(m[1])] = string(m[2])
		inner = inner[len(m[0]):]
	}
	if len(entries) != 3 || entries["descr"] == "" || entries["fortran_order"] == "" || entries["shape"] == "" {
		return h, errors.New("header has other keys than descr, fortran_order and shape")
	}
	if h.elements, h.bigEndian, err = parseType(entries["descr"]); err != nil {
		return h, err
	}
	switch order := entries["fortran_order"]; order {
	case "True", "False":
		h.fortran = order == "True"
	default:
		return h, fmt.Errorf("fortran_order is %s: want True or False", order)
	}
	h.shape, err = parseShape(entries["shape"])
	return h, err
}

// parseType reads a quoted byte order (< little-endian, > big-endian, | none, of single bytes) and type.
func parseType(text string) (t Type, bigEndian bool, err error) {
	refused := fmt.Errorf("elements are %s: want f4, f8, b1, or i or u with 1, 2, 4 or 8 bytes", text)
	name := strings.Trim(text, "'")
	if name == "" {
		return "", false, refused
	}
	t = Type(name[1:])
	switch order := name[0]; {
	case t.size() == 0,
		order != '<' && order != '>' && (order != '|' || t.size() > 1):
		return "", false, refused
	default:
		return t, order == '>', nil
	}
}

func parseShape(text string) ([]int, error) {
	if !strings.HasPrefix(text, "(") {
		return nil, fmt.Errorf("shape is %s: want a tuple", text)
	}
	var shape []int
	lengths := strings.Split(strings.Trim(text, "()"), ",")
	for i, length := range lengths {
		length = strings.TrimSpace(length)
		if length == "" && i == len(lengths)-1 {
			break // after the last comma
		}
		d, err := strconv.ParseInt(length, 10, 48)
		if err != nil || len(shape) == maxAxes {
			return nil, fmt.Errorf("shape is %.80s: want at most %d axes of less than 2^47", text, maxAxes)
		}
		shape = append(shape, int(d))
	}
	return shape, nil
}

// bytes is the number of bytes of all elements; ok is false if it is more than most.
func (h header) bytes(most int64) (n int64, ok bool) {
	n = int64(h.elements.size())
	if slices.Contains(h.shape, 0) {
		return 0, true
	}
	for _, d := range h.shape {
		if int64(d) > most/n {
			return 0, false
		}
		n *= int64(d)
	}
	return n, n <= most
}

// toC puts elements of so many bytes, of which the first axis varies fastest, into C order.
func toC(elements []byte, shape []int, width int) []byte {
	ordered := make([]byte, 0, len(elements))
	place := make([]int, len(shape))
	for range len(elements) / width {
		from := 0
		for axis, p := range slices.Backward(place) {
			from = from*shape[axis] + p
		}
		ordered = append(ordered, elements[from*width:(from+1)*width]...)
		for axis := len(shape) - 1; axis >= 0; axis-- {
			if place[axis]++; place[axis] < shape[axis] {
				break
			}
			place[axis] = 0
		}
	}
	return ordered
}

func damaged(err error) error { return fmt.Errorf("damaged or cut short: %w", err) }
