package packing

// Grid cuts the weights of a layer, output channels × taps × input channels, into tiles: a group of output channels, a tap, a group of
// input channels. Tiles are numbered row by row. A row holds all tiles of a group of outputs, tap by tap.
type Grid struct {
	Taps     int
	Out, In  []int // group of each output channel, of each input channel
	Rows     int   // groups of output channels
	InGroups int   // groups of input channels
}

// Cols is the number of tiles in a row.
func (g *Grid) Cols() int { return g.Taps * g.InGroups }

// Tiles is the number of tiles.
func (g *Grid) Tiles() int { return g.Rows * g.Cols() }

// Column is the place in a row of the tile that holds weight number i of an output.
func (g *Grid) Column(i int) int { return i/len(g.In)*g.InGroups + g.In[i%len(g.In)] }

// Each calls f with the tile of every weight.
func (g *Grid) Each(f func(tile, weight int)) {
	weight := 0
	for _, row := range g.Out {
		tile := row * g.Cols()
		for range g.Taps {
			for _, group := range g.In {
				f(tile+group, weight)
				weight++
			}
			tile += g.InGroups
		}
	}
}

// Sums adds up what the weights of each tile score.
func (g *Grid) Sums(scores []float64) []float64 {
	sums := make([]float64, g.Tiles())
	for o, row := range g.Out {
		weights := scores[o*g.Taps*len(g.In) : (o+1)*g.Taps*len(g.In)]
		tiles := sums[row*g.Cols() : (row+1)*g.Cols()]
		for t := range g.Taps {
			tap := tiles[t*g.InGroups : (t+1)*g.InGroups]
			for i, group := range g.In {
				tap[group] += weights[t*len(g.In)+i]
			}
		}
	}
	return sums
}

// Ends are the groups of inputs and outputs that a tile connects.
func (g *Grid) Ends(tile int) (in, out int) { return tile % g.InGroups, tile / g.Cols() }

// Tap is the tap that a tile belongs to.
func (g *Grid) Tap(tile int) int { return tile % g.Cols() / g.InGroups }
