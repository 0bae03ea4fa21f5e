package network

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
)

// The file format, integers and floats little-endian:
//
//	magic    8 bytes
//	version  uint32
//	length   uint32, of the header
//	header   JSON: inputs and the kind and size of each layer
//	values   layer by layer, float32: dense W (out×in), b, then the mask, one bit per weight, the lowest bit first;
//	         quadratic a, b; batch norm gamma, beta, mean, variance; average pool none
//	SHA-256  of all that comes before
const (
	fileMagic   = "hepexnet"
	fileVersion = 1
	maxHeader   = 1 << 16
)

type fileHeader struct {
	Inputs int         `json:"inputs"`
	Layers []fileLayer `json:"layers"`
}

type fileLayer struct {
	Kind   string `json:"kind"`
	In     int    `json:"in"`               // values; of a dense layer, those that an output reads
	Out    int    `json:"out"`              // values; of a dense layer, channels
	Masked bool   `json:"masked,omitempty"` // dense: a mask follows
	Learnt bool   `json:"learnt,omitempty"` // quadratic

	Window *Window `json:"window,omitempty"` // dense, average pool
}

// WriteTo writes the network in the package's file format. A network whose shapes do not meet, or with values that
// are not finite, is an error.
func (n *Network) WriteTo(w io.Writer) (int64, error) {
	file, err := n.encode()
	if err != nil {
		return 0, fmt.Errorf("network: write: %w", err)
	}
	written, err := w.Write(file)
	if err != nil {
		err = fmt.Errorf("network: write: %w", err)
	}
	return int64(written), err
}

// ReadFrom replaces the network by the one that [Network.WriteTo] wrote, and reads no further than its end. Any
// damage is an error, which leaves the network as it was; memory grows only as fast as the file really is read.
func (n *Network) ReadFrom(r io.Reader) (int64, error) {
	var file bytes.Buffer
	read, err := readFile(r, &file)
	if err != nil {
		return int64(file.Len()), fmt.Errorf("network: read: %w", err)
	}
	*n = *read
	return int64(file.Len()), nil
}

func (n *Network) encode() ([]byte, error) {
	if _, err := n.check(); err != nil {
		return nil, err
	}
	header := fileHeader{Inputs: n.Inputs}
	var values []byte
	axis := n.input()
	for _, l := range n.Layers {
		next, err := l.outputs(axis)
		if err != nil {
			return nil, err
		}
		entry := fileLayer{Kind: l.kind(), In: axis.Size(), Out: next.Size()}
		switch l := l.(type) {
		case *Dense:
			entry.In, entry.Out, entry.Masked, entry.Window = l.In, l.Out, l.Mask != nil, l.Window
			values = appendBits(appendFloats(values, l.W, l.B), l.Mask)
		case *Quadratic:
			entry.Learnt = l.Learnt
			values = appendFloats(values, []float32{l.A, l.B})
		case *BatchNorm:
			entry.In, entry.Out = axis.Channels, axis.Channels
			values = appendFloats(values, l.Gamma, l.Beta, l.Mean, l.Var)
		case *AveragePool:
			entry.Window = &l.Window
		}
		header.Layers = append(header.Layers, entry)
		axis = next
	}
	if _, err := header.size(); err != nil {
		return nil, err
	}
	text, err := json.Marshal(header)
	if err != nil {
		return nil, err
	}
	if len(text) > maxHeader {
		return nil, fmt.Errorf("%d layers: header of %d bytes: want at most %d", len(n.Layers), len(text), maxHeader)
	}
	file := binary.LittleEndian.AppendUint32([]byte(fileMagic), fileVersion)
	file = binary.LittleEndian.AppendUint32(file, uint32(len(text)))
	file = append(append(file, text...), values...)
	sum := sha256.Sum256(file)
	return append(file, sum[:]...), nil
}

// readFile reads one network and leaves what it read in file.
func readFile(r io.Reader, file *bytes.Buffer) (*Network, error) {
	header, err := readHeader(r, file)
	if err != nil {
		return nil, err
	}
	size, err := header.size()
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	values, err := take(r, file, size)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(file.Bytes())
	trailer, err := take(r, file, sha256.Size)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(sum[:], trailer) {
		return nil, errors.New("checksum does not match: the file is damaged")
	}
	n := header.decode(values)
	_, err = n.check()
	return n, err
}

func readHeader(r io.Reader, file *bytes.Buffer) (header fileHeader, err error) {
	start, err := take(r, file, int64(len(fileMagic)+8))
	if err != nil {
		return header, err
	}
	magic, version, length := start[:len(fileMagic)], start[len(fileMagic):], start[len(fileMagic)+4:]
	if string(magic) != fileMagic {
		return header, errors.New("not a network file")
	}
	if v := binary.LittleEndian.Uint32(version); v != fileVersion {
		return header, fmt.Errorf("file version %d: want %d", v, fileVersion)
	}
	size := binary.LittleEndian.Uint32(length)
	if size > maxHeader {
		return header, fmt.Errorf("header of %d bytes: want at most %d", size, maxHeader)
	}
	text, err := take(r, file, int64(size))
	if err != nil {
		return header, err
	}
	if err := json.Unmarshal(text, &header); err != nil {
		return header, fmt.Errorf("header: %w", err)
	}
	return header, nil
}

// take moves the next bytes from r to the end of file, and returns them.
func take(r io.Reader, file *bytes.Buffer, size int64) ([]byte, error) {
	if _, err := io.CopyN(file, r, size); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return file.Bytes()[int64(file.Len())-size:], nil
}

// size is the number of bytes of all values, or what is wrong with the header.
func (h fileHeader) size() (int64, error) {
	var bytes int64
	for i, l := range h.Layers {
		if l.In < 1 || l.In > maxWidth || l.Out < 1 || l.Out > maxWidth {
			return 0, fmt.Errorf("layer %d of %d×%d: want 1 to %d", i, l.Out, l.In, maxWidth)
		}
		in, out := int64(l.In), int64(l.Out)
		switch l.Kind {
		case kindDense:
			bytes += 4 * (in*out + out)
			if l.Masked {
				bytes += (in*out + 7) / 8
			}
		case kindQuadratic:
			bytes += 4 * 2
		case kindBatchNorm:
			bytes += 4 * 4 * in
		case kindPool:
			if l.Window == nil {
				return 0, fmt.Errorf("layer %d: %s without a window", i, l.Kind)
			}
		default:
			return 0, fmt.Errorf("layer %d: kind %q is unknown", i, l.Kind)
		}
		if bytes > 4*maxValues {
			return 0, fmt.Errorf("more than %d values", maxValues)
		}
	}
	return bytes, nil
}

// decode takes the layers from values, which hold as many bytes as the header asks for.
func (h fileHeader) decode(values []byte) *Network {
	n := &Network{Inputs: h.Inputs}
	floats := func(count int) []float32 {
		f := make([]float32, count)
		for i := range f {
			f[i] = math.Float32frombits(binary.LittleEndian.Uint32(values[4*i:]))
		}
		values = values[4*count:]
		return f
	}
	for _, l := range h.Layers {
		switch l.Kind {
		case kindDense:
			d := &Dense{In: l.In, Out: l.Out, W: floats(l.In * l.Out), B: floats(l.Out), Window: l.Window}
			if l.Masked {
				d.Mask, values = takeBits(values, l.In*l.Out)
			}
			n.Layers = append(n.Layers, d)
		case kindQuadratic:
			ab := floats(2)
			n.Layers = append(n.Layers, &Quadratic{ab[0], ab[1], l.Learnt})
		case kindBatchNorm:
			n.Layers = append(n.Layers, &BatchNorm{floats(l.In), floats(l.In), floats(l.In), floats(l.In)})
		case kindPool:
			n.Layers = append(n.Layers, &AveragePool{*l.Window})
		}
	}
	return n
}

func appendFloats(dst []byte, values ...[]float32) []byte {
	for _, tensor := range values {
		for _, v := range tensor {
			dst = binary.LittleEndian.AppendUint32(dst, math.Float32bits(v))
		}
	}
	return dst
}

func appendBits(dst []byte, mask []bool) []byte {
	packed := make([]byte, (len(mask)+7)/8)
	for i, keep := range mask {
		if keep {
			packed[i/8] |= 1 << (i % 8)
		}
	}
	return append(dst, packed...)
}

func takeBits(values []byte, count int) (mask []bool, rest []byte) {
	mask = make([]bool, count)
	for i := range mask {
		mask[i] = values[i/8]>>(i%8)&1 == 1
	}
	return mask, values[(count+7)/8:]
}
