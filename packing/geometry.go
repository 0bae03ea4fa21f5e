package packing

import (
	"errors"
	"fmt"
	"slices"

	"hepex/network"
)

// Outside is what a tap reads in the padding: nothing.
const Outside = -1

// Places is how a layer's rows and inputs lie on grids: a ciphertext holds a group of channels at one position, for all samples. The
// zero value is a fully connected layer, which has one position that reads one.
//
// Positions that no later layer reads are left out, so that numbers are those of what is computed.
type Places struct {
	Reads [][]int32 `json:",omitempty"` // by output position and tap: the position of the inputs, after pooling, or Outside
	Pools [][]int32 `json:",omitempty"` // by input position: the positions of what comes whose sum it is; nil: inputs are what comes
	Comes int       `json:",omitempty"` // positions of what comes; 0 stands for 1
}

// Positions is the number of output positions.
func (p *Places) Positions() int { return max(1, len(p.Reads)) }

// Taps is the number of positions that an output position reads.
func (p *Places) Taps() int {
	if p.Reads == nil {
		return 1
	}
	return len(p.Reads[0])
}

// inputs is the number of input positions, after pooling.
func (p *Places) inputs() int {
	if p.Pools != nil {
		return len(p.Pools)
	}
	return p.comes()
}

func (p *Places) comes() int { return max(1, p.Comes) }

// from is the input position of a tap.
func (p *Places) from(position, tap int) int {
	if p.Reads == nil {
		return 0
	}
	return int(p.Reads[position][tap])
}

func (p *Places) equal(q *Places) bool {
	same := slices.Equal[[]int32]
	return slices.EqualFunc(p.Reads, q.Reads, same) && slices.EqualFunc(p.Pools, q.Pools, same) && p.comes() == q.comes()
}

// uses is, by tap, how many output positions a tile of it is multiplied at.
func (p *Places) uses() []int {
	n := make([]int, p.Taps())
	for position := range p.Positions() {
		for t := range n {
			if p.from(position, t) != Outside {
				n[t]++
			}
		}
	}
	return n
}

// poolsToFewer tells whether pooling makes fewer inputs of what comes.
func (p *Places) poolsToFewer() bool { return p.Pools != nil && len(p.Pools) < p.comes() }

// overlaps is how many pooled inputs a position of what comes is part of, at most.
func (p *Places) overlaps() int {
	n := make([]int, p.comes())
	for _, pool := range p.Pools {
		for _, position := range pool {
			n[position]++
		}
	}
	return slices.Max(n)
}

// borders is how many output positions differ in which of their taps lie in the padding.
func (p *Places) borders() int {
	seen := map[string]bool{}
	for _, taps := range p.Reads {
		inside := make([]byte, len(taps))
		for t, in := range taps {
			if in != Outside {
				inside[t] = 1
			}
		}
		seen[string(inside)] = true
	}
	return max(1, len(seen))
}

// placesOf gives the places of all layers, and the positions of each axis that they read: of outputs, all.
func placesOf(g network.Geometry) (places []Places, live [][]int) {
	places, live = make([]Places, len(g)), make([][]int, len(g)+1)
	live[len(g)] = sequence(g.Axis(len(g)).Positions())
	for l := len(g) - 1; l >= 0; l-- {
		places[l], live[l] = placesOfStage(&g[l], live[l+1])
	}
	return places, live
}

// placesOfStage gives the places of a layer whose outputs are read at some positions, and the positions of what comes that it reads.
func placesOfStage(s *network.Stage, outputs []int) (p Places, read []int) {
	if len(outputs) == 1 && s.Taps() == 1 && s.Pool == nil && s.Window.In.Positions() == 1 {
		return p, []int{0}
	}
	table := func(w *network.Window, positions []int) (rows [][]int32, read []int) {
		at := map[int]int32{}
		for _, position := range positions {
			var row []int32
			for t := range w.Taps() {
				row = append(row, int32(w.Input(position, t)))
			}
			rows = append(rows, row)
			for _, in := range row {
				if in != Outside {
					at[int(in)] = 0
				}
			}
		}
		for in := range at {
			read = append(read, in)
		}
		slices.Sort(read)
		for i, in := range read {
			at[in] = int32(i)
		}
		for _, row := range rows {
			for t, in := range row {
				if in != Outside {
					row[t] = at[int(in)]
				}
			}
		}
		return rows, read
	}
	p.Reads, read = table(&s.Window, outputs)
	if s.Pool != nil {
		p.Pools, read = table(s.Pool, read)
	}
	p.Comes = len(read)
	return p, read
}

// numbers are the numbers of the channels, in some order, of some positions of an axis.
func numbers(positions, channels []int) []int {
	var n []int
	for _, position := range positions {
		for _, c := range channels {
			n = append(n, position*len(channels)+c)
		}
	}
	return n
}

func sequence(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

// LayerName names a layer by its kind and its number, from 1: conv1, fc2.
func LayerName(s *network.Stage, number int) string {
	if s.Conv() {
		return fmt.Sprintf("conv%d", number)
	}
	return fmt.Sprintf("fc%d", number)
}

func checkGeometry(g network.Geometry) error {
	if len(g) == 0 {
		return errors.New("packing: no layers: want the inputs and at least one")
	}
	for a := range len(g) + 1 {
		axis := g.Axis(a)
		if axis.Size() < 1 {
			return fmt.Errorf("packing: axis %d has %d×%d positions of %d channels: want at least 1 each", a, axis.H, axis.W, axis.Channels)
		}
	}
	return nil
}
