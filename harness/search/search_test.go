package search

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"hepex/harness/config"
	"hepex/packing"
)

// world is a synthetic objective: what networks lose and score is known, and trainings are counted.
type world struct {
	rungs    []Rung
	branches []fake
	stop     int // the training that is interrupted; 0: none

	have    map[string]Outcome // as records on a disk
	trained []Choice           // afresh
}

// fake is a branch that loses too much below a share.
type fake struct {
	whole, fixed float64
	boundary     float64
	least        float64 // a smaller share is refused
	power        float64 // by which the loss falls with the share
}

const limit = 0.01

func (w *world) Rungs() ([]Rung, error) { return w.rungs, nil }

func (w *world) Branches(*Tried) ([]Family, error) {
	var all []Family
	for i, b := range w.branches {
		all = append(all, newBranch(Choice{Scheme: "joint", Shape: packing.Shape{In: i}}, b.whole, 0, 0.02, limit))
	}
	return all, nil
}

func (b fake) score(share float64) float64 { return b.fixed + (b.whole-b.fixed)*share }

var errStopped = errors.New("stopped")

func (w *world) train(_ context.Context, _ int, c Choice) (Outcome, error) {
	key := fmt.Sprint(c)
	if o, ok := w.have[key]; ok {
		return o, nil
	}
	if w.stop > 0 && len(w.trained) == w.stop {
		return Outcome{}, errStopped
	}
	o := w.outcome(c)
	if w.have == nil {
		w.have = map[string]Outcome{}
	}
	w.have[key] = o
	if !o.Free {
		w.trained = append(w.trained, c)
	}
	return o, nil
}

// outcome of a small network: too small if the product of its layers is below 300.
func (w *world) outcome(c Choice) Outcome {
	switch c.Scheme {
	case "dense":
		return Outcome{Score: 100}
	case "small":
		i := slices.IndexFunc(w.rungs, func(r Rung) bool { return slices.Equal(r.Layers, c.Layers) })
		return Outcome{Loss: limit * 300 / product(c.Layers), Score: w.rungs[i].Score}
	}
	b := w.branches[c.Shape.In]
	if 1-c.Ratio < b.least {
		return Outcome{Err: errors.New("refused"), Free: true}
	}
	return Outcome{Loss: limit * math.Pow(b.boundary/(1-c.Ratio), b.power), Score: b.score(1 - c.Ratio)}
}

func product(ls Layers) float64 {
	p := 1.0
	for _, l := range ls {
		p *= float64(l.Neurons)
	}
	return p
}

func (w *world) search() *Search { return &Search{Loss: limit, Gain: 0.03, Train: w.train} }

func (w *world) explore(t *testing.T, trainings int) *Search {
	t.Helper()
	s := w.search()
	if err := s.Explore(context.Background(), w, trainings); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestBranchFindsTheBoundary(t *testing.T) {
	for _, b := range []fake{{whole: 90, boundary: 0.5}, {whole: 90, boundary: 0.11}, {whole: 90, fixed: 20, boundary: 0.07}, {whole: 90, boundary: 0.03}, {whole: 90, boundary: 0.1, least: 0.2}} {
		b.power = 1.5
		w := &world{branches: []fake{b}}
		s := w.explore(t, 40)
		want := b.score(max(b.boundary, b.least))
		if got := s.Best().Score; got < want || got > want*1.1 {
			t.Errorf("%+v: found %g, at the boundary %g", b, got, want)
		}
		if len(w.trained) > 9 {
			t.Errorf("%+v: %d trainings", b, len(w.trained))
		}
	}
}

// Neither a branch whose least share is above the best found, nor a smaller network than one that is too small, is trained.
func TestDominatedAreNotTrained(t *testing.T) {
	w := &world{
		rungs:    []Rung{{Choice{Scheme: "small", Layers: dense(32, 16)}, 50}, {Choice{Scheme: "small", Layers: dense(16, 16)}, 40}, {Choice{Scheme: "small", Layers: dense(16, 8)}, 30}, {Choice{Scheme: "small", Layers: dense(8, 16)}, 20}},
		branches: []fake{{whole: 60, boundary: 0.1, power: 1}, {whole: 400, boundary: 0.001, power: 1}, {whole: 70, boundary: 0.1, fixed: 65, power: 1}},
	}
	s := w.explore(t, 40)
	if best := s.Best(); best.Shape.In != 0 || best.Score > 6.5 {
		t.Errorf("best %+v", best)
	}
	trained := func(f func(c Choice) bool) (n int) {
		for _, c := range w.trained {
			if f(c) {
				n++
			}
		}
		return n
	}
	if n := trained(func(c Choice) bool { return c.Shape.In == 1 }); n != 0 {
		t.Errorf("a branch that promises nothing was trained %d times", n)
	}
	if n := trained(func(c Choice) bool { return c.Shape.In == 2 }); n > 2 {
		t.Errorf("a branch that cannot be cheap was trained %d times", n)
	}
	if n := trained(func(c Choice) bool { return c.Scheme == "small" }); n > 2 {
		t.Errorf("%d of four small networks were trained: the others are smaller than one that is too small", n)
	}
}

// What promises hardly anything is not worth a training.
func TestSmallGainsAreNotTrained(t *testing.T) {
	for score, want := range map[float64]int{98: 1, 96: 2} { // the unpruned network scores 100
		w := &world{rungs: []Rung{{Choice{Scheme: "small", Layers: dense(64, 64)}, score}}}
		if w.explore(t, 40); len(w.trained) != want {
			t.Errorf("a promise of %g: %d trainings, want %d", score, len(w.trained), want)
		}
	}
}

// A network whose training fails is not tried again, but smaller ones are: they were not too small.
func TestFailureSaysNothingOfSmallerNetworks(t *testing.T) {
	small := func(n int) Choice { return Choice{Scheme: "small", Layers: dense(n)} }
	l := newLadder([]Rung{{small(8), 1}, {small(16), 2}, {small(32), 3}})
	l.Learn(small(16), Outcome{Err: errors.New("timeout")}, false)
	var left []Choice
	for c, _, ok := l.Next(unlimited); ok; c, _, ok = l.Next(unlimited) {
		left = append(left, c)
		l.Learn(c, Outcome{}, true)
	}
	if want := []Choice{small(32), small(8)}; !cmp.Equal(left, want) {
		t.Errorf("%v, want %v", left, want)
	}
}

// random is a world in which what keeps less loses more.
func random(rng *rand.Rand) *world {
	w := &world{}
	for _, ls := range dense(128, 64).smaller(anything) {
		w.rungs = append(w.rungs, Rung{Choice{Scheme: "small", Layers: ls}, 10 + 80*product(ls)/(128*64)*(0.9+0.2*rng.Float64())})
	}
	for range 1 + rng.IntN(12) {
		whole := 20 + 100*rng.Float64()
		w.branches = append(w.branches, fake{whole, whole * 0.3 * rng.Float64(), 0.02 + 0.3*rng.Float64(), 0.1 * rng.Float64(), 0.5 + 4*rng.Float64()})
	}
	return w
}

// best is what trying everything would find.
func (w *world) best() float64 {
	best := 100.0
	for _, r := range w.rungs {
		if o := w.outcome(r.Choice); o.Loss <= limit {
			best = min(best, o.Score)
		}
	}
	for _, b := range w.branches {
		best = min(best, b.score(max(b.boundary, b.least, 0.02)))
	}
	return best
}

func TestSearchComesNearTheBest(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	trainings, worst := 0, 0.0
	for range 300 {
		w := random(rng)
		s := w.explore(t, math.MaxInt32)
		trainings += len(w.trained)
		worst = max(worst, s.Best().Score/w.best()-1)
	}
	t.Logf("%.1f trainings on average, at worst %.1f %% above the best", float64(trainings)/300, 100*worst)
	if worst > 0.12 || trainings > 300*30 {
		t.Errorf("%.1f trainings on average, at worst %.1f %% above the best", float64(trainings)/300, 100*worst)
	}
}

func TestTrainingsAreBounded(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for trainings := 1; trainings < 20; trainings++ {
		w := random(rng)
		if s := w.explore(t, trainings); len(w.trained) > trainings || s.Trained() != len(w.trained) {
			t.Errorf("%d trainings, %d counted: want at most %d", len(w.trained), s.Trained(), trainings)
		}
	}
}

// Stopped anywhere and started again with what it kept, a search takes the same way and trains nothing twice.
func TestResume(t *testing.T) {
	same := cmp.Options{cmpopts.IgnoreFields(Outcome{}, "Way"), cmpopts.EquateErrors()}
	for stop := 1; stop < 12; stop++ {
		whole, parts := random(rand.New(rand.NewPCG(5, 6))), random(rand.New(rand.NewPCG(5, 6)))
		want := whole.explore(t, 20)
		parts.stop = stop
		if err := parts.search().Explore(context.Background(), parts, 20); !errors.Is(err, errStopped) {
			t.Fatalf("stop %d: %v", stop, err)
		}
		parts.stop = 0
		got := parts.explore(t, 20)
		choices := func(s *Search) (all []Choice) {
			for _, tried := range s.Tried {
				all = append(all, tried.Choice)
			}
			return all
		}
		if diff := cmp.Diff(choices(want), choices(got), same); diff != "" || len(parts.trained) != len(whole.trained) {
			t.Errorf("stopped after %d: %d trainings, at once %d\n%s", stop, len(parts.trained), len(whole.trained), diff)
		}
	}
}

func TestSmallerNetworks(t *testing.T) {
	if got, want := dense(32, 16).smaller(anything), []Layers{dense(16, 16), dense(8, 16), dense(32, 8), dense(16, 8), dense(8, 8)}; !cmp.Equal(got, want) {
		t.Errorf("%v: want %v", got, want)
	}
	deep := dense(512, 512, 512, 512).smaller(anything)
	if len(deep) > mostRungs || len(deep) < 20 {
		t.Errorf("%d sizes of four layers", len(deep))
	}
	if got := dense(8).smaller(anything); len(got) > 0 {
		t.Errorf("%v of a layer of 8", got)
	}
	got := parsed(t, "conv 4 5x3 padding 1", "pool 2", "dense 8").smaller(func(ls Layers) bool { return min(ls[0].Padding.H, ls[0].Padding.W) > -5 })
	want := []Layers{
		parsed(t, "conv 2 5x3 padding 1", "pool 2", "dense 8"),
		parsed(t, "conv 4 5x3 padding -1", "pool 2", "dense 8"), parsed(t, "conv 2 5x3 padding -1", "pool 2", "dense 8"),
		parsed(t, "conv 4 5x3 padding -3", "pool 2", "dense 8"), parsed(t, "conv 2 5x3 padding -3", "pool 2", "dense 8"),
	}
	if !cmp.Equal(got, want) {
		t.Errorf("%v: want %v", got, want)
	}
}

// Layers that cannot be halved as often as others do not keep these large, and crops take nobody's place.
func TestSmallerNetworksAreInReach(t *testing.T) {
	onImages := func(h, w int) func(Layers) bool {
		return func(ls Layers) bool {
			p := ls[0].Padding
			return h+2*p.H >= 12 && w+2*p.W >= 12
		}
	}
	for name, c := range map[string]struct {
		layers   []string
		sensible func(Layers) bool
		want     []string
	}{
		"LeNet":             {[]string{"conv 32 5", "pool 2", "conv 64 5", "pool 2", "dense 512"}, onImages(28, 28), []string{"conv 4 5 padding -4", "pool 2", "conv 16 5", "pool 2", "dense 64"}},
		"few filters first": {[]string{"conv 3 5", "dense 256", "dense 256", "dense 256"}, onImages(28, 28), []string{"conv 3 5", "dense 32", "dense 32", "dense 64"}},
		"LeNet-5":           {[]string{"conv 6 5", "pool 2", "conv 16 5", "pool 2", "dense 120", "dense 84"}, onImages(28, 28), []string{"conv 3 5 padding -4", "pool 2", "conv 4 5", "pool 2", "dense 30", "dense 21"}},
		"one row":           {[]string{"conv 8 1x5", "dense 16"}, func(ls Layers) bool { return ls[0].Padding.H == 0 && ls[0].Padding.W > -5 }, []string{"conv 2 1x5 padding 0x-4", "dense 8"}},
		"many layers": {[]string{"conv 64 3 padding 1", "conv 64 3 padding 1", "pool 2", "conv 128 3 padding 1", "conv 128 3 padding 1", "pool 2", "conv 256 3 padding 1", "conv 256 3 padding 1", "dense 512"},
			onImages(32, 32), []string{"conv 2 3 padding -7", "conv 2 3 padding 1", "pool 2", "conv 4 3 padding 1", "conv 4 3 padding 1", "pool 2", "conv 8 3 padding 1", "conv 8 3 padding 1", "dense 16"}},
	} {
		all := parsed(t, c.layers...).smaller(c.sensible)
		want := parsed(t, c.want...)
		if !slices.ContainsFunc(all, func(ls Layers) bool { return slices.Equal(ls, want) }) || len(all) > mostRungs {
			t.Errorf("%s: %v is not among %d: %v", name, want, len(all), all)
		}
		for _, ls := range all {
			if !c.sensible(ls) || !within(all[len(all)-1], ls) || slices.Equal(ls, parsed(t, c.layers...)) {
				t.Errorf("%s: %v among smaller networks, the last of which is %v", name, ls, all[len(all)-1])
			}
		}
	}
}

// anything makes sense.
func anything(Layers) bool { return true }

func parsed(t *testing.T, texts ...string) (ls Layers) {
	t.Helper()
	for _, text := range texts {
		l, err := config.ParseLayer(text)
		if err != nil {
			t.Fatal(err)
		}
		ls = append(ls, l)
	}
	return ls
}

func TestStartsAround(t *testing.T) {
	fc := dense(128, 64)
	conv := parsed(t, "conv 8 5 padding 1", "pool 2", "dense 32")
	for _, c := range []struct {
		best     Layers
		unpruned Layers
		want     []Layers
	}{
		{nil, fc, []Layers{nil}},
		{dense(32, 64), fc, []Layers{nil, dense(64, 64), dense(32, 64)}},
		{dense(64, 32), fc, []Layers{nil, dense(64, 32)}},
		{parsed(t, "conv 2 5 padding -3", "pool 2", "dense 32"), conv, []Layers{nil, parsed(t, "conv 4 5 padding -1", "pool 2", "dense 32"), parsed(t, "conv 2 5 padding -3", "pool 2", "dense 32")}},
		{parsed(t, "conv 8 5", "pool 2", "dense 32"), conv, []Layers{nil, parsed(t, "conv 8 5", "pool 2", "dense 32")}},
	} {
		if got := startsAround(&Tried{Choice: Choice{Layers: c.best}}, c.unpruned); !cmp.Equal(got, c.want) {
			t.Errorf("%v: %v: want %v", c.best, got, c.want)
		}
	}
	if got := startsAround(nil, fc); len(got) != 1 || got[0] != nil {
		t.Errorf("%v: want the unpruned network alone", got)
	}
}

// An accuracy of 0.97 less one of 0.96 is more than 0.01.
func TestLimitIsAllowed(t *testing.T) {
	unpruned, pruned := 0.97, 0.96
	s := &Search{Loss: limit, Train: func(context.Context, int, Choice) (Outcome, error) { return Outcome{Loss: unpruned - pruned}, nil }}
	if tried, err := s.try(context.Background(), Choice{}); err != nil || !tried.Good || tried.Loss <= limit {
		t.Errorf("a loss of %.17g is too much for a limit of %g, %v", tried.Loss, limit, err)
	}
}
