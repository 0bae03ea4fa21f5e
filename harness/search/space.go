package search

import (
	"cmp"
	"errors"
	"slices"

	"hepex/harness/config"
	"hepex/harness/trial"
	"hepex/harness/tune"
	"hepex/network"
	"hepex/packing"
)

const (
	leastShare = 0.02 // that a branch tries

	near      = 1.5 // candidates that score up to this multiple of the best are worth pricing for other networks
	mostNear  = 6   // tile shapes, of the unpruned network and of the smallest
	perStart  = 3   // tile shapes that the unpruned network is pruned in
	perLesser = 2   // and smaller ones
)

// Rungs prices all smaller networks.
func (l *Lab) Rungs() ([]Rung, error) {
	if err := l.compareUntrained(); err != nil {
		return nil, err
	}
	var rungs []Rung
	smaller := l.smaller()
	for i, small := range smaller {
		l.pricing(float64(i) / float64(len(smaller)))
		ranked, err := l.untrained(small, l.kinds)
		if errors.Is(err, tune.ErrNone) {
			continue
		}
		if err != nil {
			return nil, err
		}
		rungs = append(rungs, Rung{Choice{Scheme: "small", Layers: small}, l.expected(&ranked[0])})
	}
	return rungs, nil
}

// compareUntrained finds what training makes of scores, by the unpruned network in one layout: values that are not trained are of other sizes, and
// may need other moduli.
func (l *Lab) compareUntrained() error {
	l.learnt = 1
	ranked, err := l.untrained(nil, l.kinds)
	if errors.Is(err, tune.ErrNone) {
		return nil
	}
	if err != nil || l.unpruned == nil {
		return err
	}
	way := l.unpruned.Way
	if i := slices.IndexFunc(ranked, func(c tune.Candidate) bool { return c.Kind == way.Kind && c.Shape == way.Shape }); i >= 0 {
		l.learnt = l.unpruned.Score / ranked[i].Score(l.Objective)
	}
	return nil
}

// expected is the score of a network that is not trained yet.
func (l *Lab) expected(c *tune.Candidate) float64 { return l.learnt * c.Score(l.Objective) }

// Branches are the pruned networks: of the unpruned one, and of small ones about as large as the best.
func (l *Lab) Branches(best *Tried) ([]Family, error) {
	var all []start
	for i, from := range startsAround(best, LayersOf(l.base.Spec.Network)) {
		most := perLesser
		if i == 0 {
			most = perStart
		}
		some, err := l.starts(from, most)
		if err != nil && !errors.Is(err, tune.ErrNone) {
			return nil, err
		}
		all = append(all, some...)
	}
	slices.SortStableFunc(all, func(a, b start) int { return cmp.Compare(a.whole, b.whole) })
	var families []Family
	for _, s := range all {
		families = append(families, newBranch(s.Choice, s.whole, s.floor, leastShare, l.Loss))
	}
	return families, nil
}

// start is where a branch begins: see newBranch.
type start struct {
	Choice
	whole, floor float64
}

// starts are the branches of a network of some layers: in the tile shapes that suit it best before it is pruned, with the
// budget of the objective and with that of tiles. Networks pruned by tiles may also run in layouts of one image.
func (l *Lab) starts(from Layers, most int) ([]start, error) {
	ranked, err := l.untrained(from, []packing.Kind{packing.Tiles, packing.Scalar})
	if err != nil {
		return nil, err
	}
	anyhow, err := l.untrained(from, l.kinds)
	if err != nil {
		return nil, err
	}
	var all []start
	for _, c := range distinct(ranked, most) {
		choice := Choice{Scheme: "joint", Layers: from, Budget: l.budget(), Shape: c.Shape, Kind: c.Kind}
		all = append(all, start{choice, l.expected(&c), 0})
		if c.Kind != packing.Tiles {
			continue
		}
		choice.Budget = "tiles"
		if best := anyhow[0]; best.Kind == packing.OneImage && best.Score(l.Objective) < c.Score(l.Objective) {
			c = best
		}
		all = append(all, start{choice, l.expected(&c), l.untouched(&c)})
	}
	return all, nil
}

// untouched is what pruning tiles leaves of a score. Half of the time that is not that of tiles counts, as rows go with their last
// tile.
func (l *Lab) untouched(c *tune.Candidate) float64 {
	if l.Objective == tune.Memory || l.Objective == tune.Upload {
		return 0
	}
	return l.expected(c) * (1 - c.TileTime()) / 2
}

// distinct are the best candidates that differ in layout or in which weights share a tile.
func distinct(ranked []tune.Candidate, most int) []tune.Candidate {
	var out []tune.Candidate
	for _, c := range ranked {
		alike := func(d tune.Candidate) bool {
			return c.Kind == d.Kind && (c.Kind == packing.Scalar || c.Shape.In == d.Shape.In && c.Shape.Out == d.Shape.Out)
		}
		if len(out) < most && !slices.ContainsFunc(out, alike) {
			out = append(out, c)
		}
	}
	return out
}

// smaller are the small networks to choose from.
func (l *Lab) smaller() []Layers {
	return LayersOf(l.base.Spec.Network).smaller(func(ls Layers) bool {
		spec := l.small(ls)
		_, err := spec.EvaluatedGeometry(spec.Data.Form())
		return err == nil
	})
}

// small is the unpruned network's point with other layers, if there are any.
func (l *Lab) small(ls Layers) config.Spec {
	spec := l.base.Spec
	if ls == nil {
		return spec
	}
	spec.Prune.Scheme = "small"
	spec.Prune.Layers = ls
	return spec
}

// untrained ranks the ways to evaluate a network of some layers, nil for those of the unpruned one.
func (l *Lab) untrained(ls Layers, kinds []packing.Kind) ([]tune.Candidate, error) {
	spec := l.small(ls)
	f, err := trial.Untrained(spec)
	if err != nil {
		return nil, err
	}
	return l.rank(f, func(o *tune.Options) { o.Kinds, o.Shapes = kinds, l.shapes })
}

// ways ranks the ways to evaluate a trained network: there is one at least. Pruned ones have the tile shape that they were pruned for, with a budget of
// the whole evaluation also its batch and layout.
func (l *Lab) ways(c Choice, n *trial.Network) ([]tune.Candidate, error) {
	ranked, err := l.rank(n.Folded, func(o *tune.Options) {
		switch {
		case c.Scheme != "joint":
			o.Kinds, o.Shapes = l.kinds, l.shapes
		case c.Budget == "tiles":
			o.Kinds, o.Shapes, o.Orders = l.kinds, []packing.Shape{c.Shape}, n.Orders
		default:
			o.Kinds, o.Shapes, o.Orders = []packing.Kind{c.Kind}, []packing.Shape{c.Shape}, n.Orders
		}
	})
	if c.Scheme == "dense" && (err == nil || errors.Is(err, tune.ErrNone)) { // smaller ones may fit where it does not
		if err := l.shortlist(ranked); err != nil {
			return nil, err
		}
	}
	if err != nil {
		return nil, err
	}
	if c.Scheme == "joint" && c.Budget != "tiles" {
		ranked = slices.DeleteFunc(ranked, func(w tune.Candidate) bool { return w.Shape != c.Shape })
		if len(ranked) == 0 {
			return nil, tune.ErrNone
		}
	}
	return ranked, nil
}

// shortlist notes which layouts and tile shapes are near the best, for the unpruned network or for the smallest.
func (l *Lab) shortlist(ranked []tune.Candidate) error {
	if small := l.smaller(); len(small) > 0 {
		smallest, err := l.untrained(small[len(small)-1], nil)
		if err != nil && !errors.Is(err, tune.ErrNone) {
			return err
		}
		l.note(smallest)
	}
	l.note(ranked)
	return nil
}

func (l *Lab) note(ranked []tune.Candidate) {
	shapes := 0
	for _, c := range ranked {
		if c.Score(l.Objective) > near*ranked[0].Score(l.Objective) {
			continue
		}
		if !slices.Contains(l.kinds, c.Kind) {
			l.kinds = append(l.kinds, c.Kind)
		}
		alike := func(s packing.Shape) bool { return s.In == c.Shape.In && s.Out == c.Shape.Out }
		if c.Kind == packing.Tiles && shapes < mostNear && !slices.ContainsFunc(l.shapes, alike) {
			l.shapes = append(l.shapes, c.Shape)
			shapes++
		}
	}
}

func (l *Lab) encrypted() bool { return l.base.Spec.HE.Encrypted() }

func (l *Lab) rank(f *network.Folded, set func(*tune.Options)) ([]tune.Candidate, error) {
	s := l.base.Spec
	o := tune.Options{
		Encrypted: l.encrypted(), Precision: float64(s.HE.Precision), Batch: l.Batch, Memory: l.Memory,
		Objective: l.Objective, Threads: s.Measure.Threads,
	}
	set(&o)
	return tune.Rank(f, l.samples, o)
}
