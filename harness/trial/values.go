package trial

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"hepex/harness/config"
	"hepex/harness/stats"
	"hepex/inference"
	"hepex/network"
	"hepex/packing"
)

// values are what the plain network shows of how large and small values get: on all training and validation samples, never on test
// samples. They are found when a point is prepared, where these samples are in memory anyway.
type values struct {
	Largest []float64       `json:"largest"` // by layer: log2 of the largest |value| of any neuron before the square
	Margin  []float64       `json:"margin"`  // … and by how many bits test samples may exceed it
	Mean    []float64       `json:"mean"`    // by layer: the mean over samples of each one's largest |value|
	Shown   []bool          `json:"shown"`   // by layer: its tail is not hidden by biases
	Outputs packing.Outputs `json:"outputs"`
	Samples [][]float32     `json:"samples"` // those to be simulated
}

// exceeded is the number of test samples that are to be expected beyond the margins, small that of batches with smaller outputs.
const (
	exceeded = 0.01
	small    = 1e-4
)

// newValues looks at every sample. Margins are extrapolated from the tail of each layer's own values (stats.Tail), of their
// logarithms: a square doubles these, and so the margin doubles from square to square. A batch of so many samples has small outputs
// only if all of its samples have.
func newValues(f *network.Folded, seen []network.Data, tests, batch int) (*values, error) {
	v := &values{}
	peaks := make([][]float64, len(f.Layers))
	for _, d := range seen {
		for i, layer := range peaksOf(f, d) {
			peaks[i] = append(peaks[i], layer...)
		}
	}
	for _, layer := range peaks {
		logs := logarithms(layer)
		bound, err := stats.Tail(logs, exceeded/float64(tests))
		if err != nil {
			return nil, &Failure{KindNaN, fmt.Errorf("trial: values of the network overflow: %w", err)}
		}
		v.Largest = append(v.Largest, slices.Max(logs))
		v.Margin = append(v.Margin, bound-slices.Max(logs))
		v.Mean = append(v.Mean, floats.Sum(layer)/float64(len(layer)))
	}
	for i, layer := range f.Peaks(mat.NewDense(1, seen[0].Dim, nil)) { // what biases alone give
		v.Shown = append(v.Shown, i == 0 || showing(peaks[i]) >= 2*layer[0])
		if tests < batch { // slots without a sample hold what comes out of zeros
			v.Mean[i] = math.Max(v.Mean[i], layer[0])
		}
	}
	least, err := stats.Reached(logarithms(peaks[len(peaks)-1]), min(batch, tests), small)
	if err != nil {
		return nil, &Failure{KindNaN, fmt.Errorf("trial: outputs of the network overflow: %w", err)}
	}
	chosen, smallest := toSimulate(peaks)
	v.Outputs = packing.Outputs{Least: math.Exp2(least), Small: smallest}
	for _, s := range chosen {
		for _, d := range seen {
			if s < d.Len() {
				v.Samples = append(v.Samples, d.X[s*d.Dim:(s+1)*d.Dim])
				break
			}
			s -= d.Len()
		}
	}
	v.revealHidden(f)
	return v, nil
}

// showing is the value beyond which the tail of a layer must be seen: one in twenty is larger.
func showing(values []float64) float64 {
	return slices.Sorted(slices.Values(values))[len(values)*19/20]
}

// revealHidden enlarges margins to what comes out of samples stretched to the bounds of the layers before. Where biases are larger than what
// most samples add to them, the values of a layer do not show the tail that they have.
func (v *values) revealHidden(f *network.Folded) {
	bounds, _ := v.bounds(0, 1)
	for i, layer := range f.Peaks(matrix(v.stretched(f, wide(v.Samples), bounds))) {
		v.Margin[i] = math.Max(v.Margin[i], slices.Max(logarithms(layer))-v.Largest[i])
	}
}

// logarithms to base 2, and something far below all values for 0.
func logarithms(values []float64) []float64 {
	logs := make([]float64, len(values))
	for i, v := range values {
		logs[i] = math.Log2(math.Max(v, math.SmallestNonzeroFloat64))
	}
	return logs
}

// Samples to be simulated: some of those with the smallest outputs, as many with the largest values of some layer, and the last of
// all, which were not trained on.
const (
	calibrationSamples = 64
	extremeSamples     = 24
)

// toSimulate chooses samples by what the plain network makes of them, and gives the largest output of those with small ones.
func toSimulate(peaks [][]float64) (chosen []int, smallest float64) {
	n := len(peaks[0])
	taken := map[int]bool{}
	take := func(s int) {
		if !taken[s] && len(chosen) < calibrationSamples {
			taken[s], chosen = true, append(chosen, s)
		}
	}
	outputs := peaks[len(peaks)-1]
	share := (extremeSamples + len(peaks) - 1) / len(peaks)
	for _, layer := range slices.Backward(peaks) {
		order := ranked(layer)
		slices.Reverse(order)
		for _, s := range order[:min(n, share)] {
			take(s)
		}
	}
	for _, s := range ranked(outputs)[:min(n, extremeSamples)] {
		take(s)
		smallest = outputs[s]
	}
	for s := n - 1; s >= 0; s-- {
		take(s)
	}
	return chosen, smallest
}

// peaksOf are those of all samples, a few at a time: numbers of eight bytes would need twice the memory of the samples.
func peaksOf(f *network.Folded, d network.Data) [][]float64 {
	const atOnce = 1024
	peaks := make([][]float64, len(f.Layers))
	for first := 0; first < d.Len(); first += atOnce {
		part := network.Data{X: d.X[first*d.Dim : min(first+atOnce, d.Len())*d.Dim], Dim: d.Dim}
		for i, layer := range f.Peaks(dense(part)) {
			peaks[i] = append(peaks[i], layer...)
		}
	}
	return peaks
}

// margins are by how many bits values may exceed the largest: as the config says, or as their tails do.
func (v *values) margins(headroom float64) []float64 {
	if headroom == 0 {
		return v.Margin
	}
	return slices.Repeat([]float64{headroom}, len(v.Margin))
}

// bounds are what moduli are to hold, by layer: the largest value of a neuron, and the largest mean over the samples of a batch of
// their largest values. One sample of a batch may be as large as any; the others are as they are on average, for what has a long tail
// is large because of one value, not of many.
func (v *values) bounds(headroom float64, batch int) (peaks, means []float64) {
	for i, margin := range v.margins(headroom) {
		peak := math.Exp2(v.Largest[i] + margin)
		peaks = append(peaks, peak)
		means = append(means, v.Mean[i]+peak/float64(batch))
	}
	return peaks, means
}

// beyond tells whether the values of a sample, by layer, exceed what the moduli of a batch hold, which have some room, in bits, beyond
// the bounds.
func (v *values) beyond(sample []float64, headroom float64, batch int, full bool, room []float64) bool {
	peaks, means := v.bounds(headroom, batch)
	for i, value := range sample {
		most := peaks[i] * math.Exp2(room[i])
		if full {
			most = float64(batch) * (means[i]*math.Exp2(room[i]) - v.Mean[i])
		}
		if value > most {
			return true
		}
	}
	return false
}

// profile simulates the samples chosen, also stretched to the bounds, and brings what they show of the layout, with sums in unused slots,
// to the bounds.
func (v *values) profile(m *packing.Model, f *network.Folded, headroom float64) (packing.Profile, error) {
	peaks, means := v.bounds(headroom, m.Batch)
	x := wide(v.Samples)
	x = append(x, v.stretched(f, x, peaks)...)
	p, err := m.Profile(x, v.Outputs)
	if err != nil {
		return p, err
	}
	seen := f.Peaks(matrix(x))
	byPeak, byMean := make([]float64, len(seen)), make([]float64, len(seen))
	for i, layer := range seen {
		byPeak[i] = ratio(peaks[i], slices.Max(layer))
		byMean[i] = ratio(means[i], largestMean(layer, m.Batch))
	}
	return p.Scale(byPeak, byMean), nil
}

// stretched are the samples with the largest values of each layer, multiplied until some layer reaches its bound. Errors may grow
// faster than outputs from the largest sample to the bound: where biases hide what squares make of it, outputs do not grow at all.
func (v *values) stretched(f *network.Folded, x [][]float64, bounds []float64) [][]float64 {
	const perLayer, most, steps = 2, 64, 24
	chosen := map[int]bool{}
	var out [][]float64
	for _, layer := range f.Peaks(matrix(x)) {
		order := ranked(layer)
		for _, s := range order[max(0, len(order)-perLayer):] {
			if chosen[s] {
				continue
			}
			chosen[s] = true
			low, high := 1.0, float64(most)
			for range steps {
				middle := math.Sqrt(low * high)
				if v.within(f.Peaks(matrix([][]float64{multiple(x[s], middle)})), bounds) {
					low = middle
				} else {
					high = middle
				}
			}
			out = append(out, multiple(x[s], low))
		}
	}
	return out
}

// within tells whether the one sample exceeds no bound that says something: that of the first layer, and those of layers that show
// their tail.
func (v *values) within(peaks [][]float64, bounds []float64) bool {
	for i, layer := range peaks {
		if v.Shown[i] && !(layer[0] <= bounds[i]) {
			return false
		}
	}
	return true
}

func multiple(sample []float64, by float64) []float64 {
	out := slices.Clone(sample)
	floats.Scale(by, out)
	return out
}

// ranked are the places of the values, from the smallest to the largest.
func ranked(values []float64) []int {
	order := make([]int, len(values))
	floats.ArgsortStable(slices.Clone(values), order)
	return order
}

// ratio is 1 where values are always zero.
func ratio(a, b float64) float64 {
	if a == 0 || b == 0 {
		return 1
	}
	return a / b
}

// largestMean is that of batches, of which the last is filled with the first values again.
func largestMean(values []float64, batch int) float64 {
	if batch >= len(values) {
		return floats.Sum(values) / float64(len(values))
	}
	most := 0.0
	for first := 0; first < len(values); first += batch {
		sum := 0.0
		for i := range batch {
			sum += values[(first+i)%len(values)]
		}
		most = math.Max(most, sum/float64(batch))
	}
	return most
}

// valuesKey adds what the values depend on beyond the network: how it is evaluated, and what is expected of it.
func valuesKey(final Key, s config.Spec) Key {
	return newKey(final.String(), "values", packing.Kind(s.Layout).Version(), inference.Version, s.Layout == string(packing.Scalar), s.Data.Test, batchOf(s))
}

func batchOf(s config.Spec) int {
	if s.Layout == string(packing.OneImage) {
		return 1
	}
	return s.Tile.Batch
}

// evaluated is the network as a layout evaluates it.
func evaluated(s config.Spec, f *network.Folded) *network.Folded {
	return s.Choice().Evaluated(f).Simplify()
}

// values takes those of a network from the cache, or finds them.
func (p *preparer) values(of *prepared) (*values, error) {
	key := valuesKey(of.key, p.spec)
	content, ok, err := p.cache.Get(key)
	if err != nil {
		return nil, err
	}
	v := &values{}
	if ok && json.Unmarshal(content, v) == nil {
		return v, nil
	}
	p.report(Step{Name: "look at values"})
	f, err := of.state.Net.Fold()
	if err != nil {
		return nil, &Failure{"unsupported", err}
	}
	var seen []network.Data
	for _, part := range []part{p.samples.train, p.samples.validation} {
		d, err := part.all()
		if err != nil {
			return nil, err
		}
		seen = append(seen, d)
	}
	if v, err = newValues(evaluated(p.spec, f), seen, p.spec.Data.Test, batchOf(p.spec)); err != nil {
		return nil, err
	}
	if content, err = json.Marshal(v); err != nil {
		return nil, fmt.Errorf("trial: %w", err)
	}
	return v, p.cache.Put(key, content)
}
