package pruning

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"hepex/network"
	"hepex/packing"
)

// State is a network on its way through a scheme. Masks are those of its dense layers, neurons are in their
// original order.
type State struct {
	Net *network.Network
	// Orders[a][p] is the channel at position p of axis a: positions 0 … group−1 share the first tile, and
	// so on. Axis 0 holds the inputs, axis l the outputs of layer l. Nil before the neurons are permuted.
	Orders  [][]int
	Epochs  int              // trained so far
	Notes   []string         // what a reader of the result should know, such as that a layer was kept from collapsing
	Teacher *network.Network // that later retrainings are distilled from; nil = none

	target [][]bool // tiles that the last event of a gradual scheme would keep
}

// Clone copies the state deeply.
func (s *State) Clone() *State {
	c := &State{Net: s.Net.Clone(), Epochs: s.Epochs, Notes: slices.Clone(s.Notes)}
	for _, o := range s.Orders {
		c.Orders = append(c.Orders, slices.Clone(o))
	}
	if s.Teacher != nil {
		c.Teacher = s.Teacher.Clone()
	}
	return c
}

// note adds a note, once.
func (s *State) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(s.Notes, text) {
		s.Notes = append(s.Notes, text)
	}
}

// header is what a file has before the networks.
type header struct {
	Orders [][]int  `json:"orders"`
	Epochs int      `json:"epochs"`
	Notes  []string `json:"notes,omitempty"`
	Taught bool     `json:"taught,omitempty"` // the teacher follows the network
}

// maxHeader bounds the header that ReadFrom accepts, in bytes.
const maxHeader = 1 << 24

// WriteTo writes a header, the network and the teacher.
func (s *State) WriteTo(w io.Writer) (int64, error) {
	text, err := json.Marshal(header{s.Orders, s.Epochs, s.Notes, s.Teacher != nil})
	if err != nil {
		return 0, fmt.Errorf("pruning: write: %w", err)
	}
	written, err := w.Write(append(binary.LittleEndian.AppendUint32(nil, uint32(len(text))), text...))
	total := int64(written)
	if err != nil {
		return total, fmt.Errorf("pruning: write: %w", err)
	}
	for _, n := range []*network.Network{s.Net, s.Teacher} {
		if n == nil {
			continue
		}
		m, err := n.WriteTo(w)
		total += m
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// ReadFrom reads what WriteTo wrote. Orders that are not permutations of the channels are an error, which leaves the state as it was.
func (s *State) ReadFrom(r io.Reader) (int64, error) {
	var size uint32
	if err := binary.Read(r, binary.LittleEndian, &size); err != nil {
		return 0, fmt.Errorf("pruning: read: %w", err)
	}
	if size > maxHeader {
		return 4, fmt.Errorf("pruning: read: header of %d bytes: want at most %d", size, maxHeader)
	}
	text, err := io.ReadAll(io.LimitReader(r, int64(size)))
	total := 4 + int64(len(text))
	if err != nil {
		return total, fmt.Errorf("pruning: read: %w", err)
	}
	var h header
	if err := json.Unmarshal(text, &h); err != nil {
		return total, fmt.Errorf("pruning: read: %w", err)
	}
	read := State{Net: &network.Network{}, Orders: h.Orders, Epochs: h.Epochs, Notes: h.Notes}
	networks := []*network.Network{read.Net}
	if h.Taught {
		read.Teacher = &network.Network{}
		networks = append(networks, read.Teacher)
	}
	for _, n := range networks {
		m, err := n.ReadFrom(r)
		total += m
		if err != nil {
			return total, err
		}
	}
	if err := read.check(); err != nil {
		return total, fmt.Errorf("pruning: read: %w", err)
	}
	*s = read
	return total, nil
}

// check finds what a whole file may still have wrong.
func (s *State) check() error {
	if len(s.Net.Dense()) == 0 {
		return errors.New("a network without weights: want at least one layer with some")
	}
	if s.Epochs < 0 {
		return fmt.Errorf("%d epochs: want at least 0", s.Epochs)
	}
	if s.Orders == nil {
		return nil
	}
	return packing.CheckOrders(s.Net.Dims(), s.Orders)
}

// tiling maps the weights of one layer to tiles.
type tiling struct {
	packing.Grid
	dense *network.Dense
}

// tilings gives the tiles of every layer under the state's orders.
func (s *State) tilings(shape packing.Shape) []tiling {
	p := newPartition(s.Net.Geometry(), shape)
	p.follow(s.Orders)
	var ts []tiling
	for l, d := range s.Net.Dense() {
		ts = append(ts, tiling{p.grid(l), d})
	}
	return ts
}

// sizes counts the weights of each tile; tiles at the edge hold fewer.
func (t *tiling) sizes() []int {
	n := make([]int, t.Tiles())
	t.Each(func(tile, _ int) { n[tile]++ })
	return n
}

// nonZero counts the weights of each tile that are not pruned.
func (t *tiling) nonZero() []int {
	n := make([]int, t.Tiles())
	t.Each(func(tile, w int) {
		if alive(t.dense, w) {
			n[tile]++
		}
	})
	return n
}

func alive(d *network.Dense, w int) bool { return d.Mask == nil || d.Mask[w] }

// prune masks a weight.
func prune(d *network.Dense, w int) {
	if d.Mask == nil {
		d.Mask = slices.Repeat([]bool{true}, len(d.W))
	}
	d.Mask[w], d.W[w] = false, 0
}
