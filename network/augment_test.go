package network

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
)

// TestMoveOfKnownImage shifts and flips an image of 2×3 pixels of 2 channels.
func TestMoveOfKnownImage(t *testing.T) {
	image := []float32{
		1, 10, 2, 20, 3, 30,
		4, 40, 5, 50, 6, 60,
	}
	tests := map[string]struct {
		move move
		want []float32
	}{
		"still":         {move{}, image},
		"down":          {move{down: 1}, []float32{0, 0, 0, 0, 0, 0, 1, 10, 2, 20, 3, 30}},
		"up":            {move{down: -1}, []float32{4, 40, 5, 50, 6, 60, 0, 0, 0, 0, 0, 0}},
		"right":         {move{right: 1}, []float32{0, 0, 1, 10, 2, 20, 0, 0, 4, 40, 5, 50}},
		"left":          {move{right: -2}, []float32{3, 30, 0, 0, 0, 0, 6, 60, 0, 0, 0, 0}},
		"flip":          {move{flip: true}, []float32{3, 30, 2, 20, 1, 10, 6, 60, 5, 50, 4, 40}},
		"flip and more": {move{-1, 1, true}, []float32{0, 0, 6, 60, 5, 50, 0, 0, 0, 0, 0, 0}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := Augment{Height: 2, Width: 3, Channels: 2}
			got := appendMoved([]float64{7}, image, a, test.move)
			if want := append([]float64{7}, widen(test.want)...); !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

// Every value of a moved image is the one that belongs there, or 0 beyond the border.
func TestMoves(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	var buffer []float32
	for range 300 {
		a := Augment{Height: 1 + rng.IntN(7), Width: 1 + rng.IntN(7), Channels: 1 + rng.IntN(3), Flip: rng.IntN(2) == 0}
		a.Shift = rng.IntN(min(a.Height, a.Width))
		image := make([]float32, a.Height*a.Width*a.Channels)
		for i := range image {
			image[i] = rng.Float32()
		}
		for _, m := range a.draw(rng, 5) {
			if max(m.down, -m.down, m.right, -m.right) > a.Shift || m.flip && !a.Flip {
				t.Fatalf("%+v draws %+v", a, m)
			}
			buffer = appendMoved(buffer[:0], image, a, m) // dirty from the image before
			at := func(y, x, c int) float32 {
				if y -= m.down; y < 0 || y >= a.Height {
					return 0
				}
				if x -= m.right; x < 0 || x >= a.Width {
					return 0
				}
				if m.flip {
					x = a.Width - 1 - x
				}
				return image[(y*a.Width+x)*a.Channels+c]
			}
			for i, got := range buffer {
				if want := at(i/a.Channels/a.Width, i/a.Channels%a.Width, i%a.Channels); got != want {
					t.Fatalf("%+v of %+v: value %d is %g, want %g", m, a, i, got, want)
				}
			}
		}
	}
}

func TestMovesAreEquallyLikely(t *testing.T) {
	a := Augment{Height: 4, Width: 4, Channels: 1, Shift: 2, Flip: true}
	counts := map[move]int{}
	const samples = 50 * 1000
	for _, m := range a.draw(rand.New(rand.NewPCG(1, 1)), samples) {
		counts[m]++
	}
	chi2 := 0.0
	for _, n := range counts {
		chi2 += math.Pow(float64(n)-samples/50, 2) / (samples / 50)
	}
	if len(counts) != 50 || chi2 > 85.4 { // 99.9 % quantile for 49 degrees of freedom
		t.Errorf("%d different moves, χ² %.1f: want 5×5×2, equally likely", len(counts), chi2)
	}
	if moves := (Augment{Height: 4, Width: 4, Channels: 1}).draw(nil, 3); moves != nil {
		t.Errorf("nothing to vary: drew %v", moves)
	}
}

// images are random grids of 4×3 pixels of 2 channels.
func images(samples int) (Data, Augment) {
	a := Augment{Height: 4, Width: 3, Channels: 2, Shift: 1, Flip: true}
	d := Data{Dim: 24}
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range samples {
		d.Labels = append(d.Labels, uint8(i%3))
		for range d.Dim {
			d.X = append(d.X, rng.Float32())
		}
	}
	return d, a
}

// A pass over moved samples is one over samples that were moved before, with their targets and what a teacher makes of
// them.
func TestPassOverMovedSamples(t *testing.T) {
	labelled, a := images(11)
	itself := Data{X: labelled.X, Dim: 24}
	target := Data{X: labelled.X, Dim: 24, Target: slices.Concat(labelled.X[24:], labelled.X[:24])}
	for name, d := range map[string]Data{"classes": labelled, "itself": itself, "target": target} {
		for _, taught := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, teacher %t", name, taught), func(t *testing.T) {
				arch := Architecture{Inputs: 24, Hidden: []int{5}, Outputs: 3, Activation: "quadratic", BatchNorm: true}
				if d.Labels == nil {
					arch.Outputs = 24
				}
				rng := rand.New(rand.NewPCG(8, 8))
				batch := rng.Perm(d.Len())
				moves := a.draw(rng, len(batch))
				moved := Data{Dim: 24, X: slices.Clone(d.X), Labels: d.Labels, Target: slices.Clone(d.Target)}
				for k, i := range batch {
					copy(moved.X[i*24:], appendMoved([]float32(nil), d.X[i*24:(i+1)*24], a, moves[k]))
					if d.Target != nil {
						copy(moved.Target[i*24:], appendMoved([]float32(nil), d.Target[i*24:(i+1)*24], a, moves[k]))
					}
				}
				pass := func(d Data, a Augment, moves []move) (float64, []float64) {
					n, _ := New(arch, 3)
					tr := newTrainer[float64](n, len(batch))
					if taught {
						teacher, _ := New(arch, 4)
						tr.teach(d, Options{Teacher: teacher, Alpha: 0.5, Temperature: 2, Augment: a}, maxKnown)
						if kept := tr.shards[0].lesson.known != nil; kept == a.varies() {
							t.Errorf("outputs of the teacher kept: %t, samples vary: %t", kept, a.varies())
						}
					}
					tr.augment, tr.moves = a, moves
					loss := tr.pass(d, batch)
					tr.reduce()
					return loss, tr.params[0].grads[0]
				}
				loss, gradient := pass(d, a, moves)
				want, wantGradient := pass(moved, Augment{}, nil)
				if loss != want || !slices.Equal(gradient, wantGradient) {
					t.Errorf("loss %g and gradient differ from those of moved samples, %g", loss, want)
				}
				if still, _ := pass(d, Augment{}, nil); still == loss {
					t.Error("moves change nothing")
				}
			})
		}
	}
}

func TestAugmentIsDeterministic(t *testing.T) {
	d, a := images(90)
	arch := Architecture{Inputs: 24, Hidden: []int{16}, Outputs: 3, Activation: "quadratic", BatchNorm: true}
	teacher, _ := New(arch, 9)
	run := func(procs int, o Options) []byte {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		n, _ := New(arch, 2)
		o.Epochs, o.Batch, o.LR, o.Clip = 2, 30, 1e-2, 1
		if err := Train(n, d, o); err != nil {
			t.Fatal(err)
		}
		return encoded(t, n)
	}
	varied := Options{Augment: a, Seed: 1, Teacher: teacher, Alpha: 0.5, Temperature: 2}
	want := run(1, varied)
	for _, procs := range []int{2, 5} {
		if !bytes.Equal(run(procs, varied), want) {
			t.Errorf("GOMAXPROCS %d changes the result", procs)
		}
	}
	seen := map[string]bool{}
	for _, change := range []func(*Options){
		func(*Options) {}, func(o *Options) { o.Seed = 2 }, func(o *Options) { o.Augment.Shift = 2 },
		func(o *Options) { o.Augment.Flip = false }, func(o *Options) { o.Augment.Shift = 0 },
		func(o *Options) { o.Augment = Augment{} },
	} {
		o := varied
		change(&o)
		seen[string(run(1, o))] = true
	}
	if len(seen) != 6 {
		t.Errorf("%d different results of 6 settings", len(seen))
	}
	still := Options{Seed: 1}
	plain := run(1, still)
	still.Augment = Augment{Height: 4, Width: 3, Channels: 2}
	if !bytes.Equal(run(1, still), plain) {
		t.Error("a grid alone changes the result")
	}
}

// Only training sees varied samples: data stay as they are, and measuring them for an early stop changes nothing.
func TestOnlyTrainingVaries(t *testing.T) {
	d, a := images(60)
	before := slices.Clone(d.X)
	losses := func(stop *Stop) (all []float64) {
		n, _ := New(Architecture{Inputs: 24, Hidden: []int{8}, Outputs: 3, Activation: "quadratic"}, 2)
		o := Options{Epochs: 6, Batch: 20, LR: 1e-2, Clip: 1, Augment: a, Stop: stop}
		o.Progress = func(p Progress) { all = append(all, p.Loss) }
		if err := Train(n, d, o); err != nil {
			t.Fatal(err)
		}
		return all
	}
	alone, stopped := losses(nil), losses(&Stop{Validation: d, Patience: 6})
	if !slices.Equal(alone, stopped) {
		t.Errorf("losses %v, with an early stop %v", alone, stopped)
	}
	if !slices.Equal(before, d.X) {
		t.Error("the samples changed")
	}
}

// Learning shifted images makes a network good at them.
func TestAugmentHelpsWithShiftedImages(t *testing.T) {
	bar := func(samples int, seed uint64, shifted bool) Data { // an upright or a flat bar of three pixels
		rng := rand.New(rand.NewPCG(seed, 4))
		d := Data{Dim: 49}
		for range samples {
			image, label, down, right := make([]float32, 49), rng.IntN(2), 0, 0
			if shifted {
				down, right = rng.IntN(5)-2, rng.IntN(5)-2
			}
			for i := -1; i <= 1; i++ {
				if label == 0 {
					image[(3+i+down)*7+3+right] = 1
				} else {
					image[(3+down)*7+3+i+right] = 1
				}
			}
			for i := range image {
				image[i] += 0.3 * rng.Float32()
			}
			d.X, d.Labels = append(d.X, image...), append(d.Labels, uint8(label))
		}
		return d
	}
	quality := func(a Augment) float64 {
		n, _ := New(Architecture{Inputs: 49, Hidden: []int{32}, Outputs: 2, Activation: "quadratic"}, 1)
		if err := Train(n, bar(400, 1, false), Options{Epochs: 40, Batch: 20, LR: 5e-3, Clip: 1, WeightDecay: 0.05, Augment: a}); err != nil {
			t.Fatal(err)
		}
		q, err := Evaluate(n, bar(1000, 2, true))
		if err != nil {
			t.Fatal(err)
		}
		return q.Value
	}
	plain, varied := quality(Augment{}), quality(Augment{Height: 7, Width: 7, Channels: 1, Shift: 2})
	if varied < 0.9 || plain > 0.8 {
		t.Errorf("accuracy %g with and %g without augmentation: want at least 0.9 and at most 0.8", varied, plain)
	}
}

func TestAugmentRefused(t *testing.T) {
	d, good := images(20)
	other := Data{X: d.X, Dim: 24, Target: d.X[:20*3]}
	tests := map[string]struct {
		data   Data
		change func(*Augment)
		want   string
	}{
		"negative":      {d, func(a *Augment) { a.Shift = -1 }, "shift of -1 pixels: want at least 0"},
		"no grid":       {d, func(a *Augment) { *a = Augment{Flip: true} }, "augmentation of 0×0×0 values: want the grid of samples of 24"},
		"grid":          {d, func(a *Augment) { a.Width = 4 }, "augmentation of 4×4×2 values"},
		"negative grid": {d, func(a *Augment) { a.Height, a.Width = -4, -3 }, "augmentation of -4×-3×2 values"},
		"overflow":      {d, func(a *Augment) { a.Height, a.Width, a.Channels = 1<<40, 1<<40, 24 }, "want the grid of samples of 24"},
		"far":           {d, func(a *Augment) { a.Shift = 3 }, "shift of 3 pixels in images of 4×3: want less than their sides"},
		"target":        {other, func(*Augment) {}, "augmentation with a target of 3 values: want 4×3×2"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := good
			test.change(&a)
			n, _ := New(Architecture{Inputs: 24, Outputs: 3, Activation: "square"}, 1)
			wantError(t, Train(n, test.data, Options{Epochs: 1, Batch: 10, LR: 1e-3, Augment: a}), test.want)
		})
	}
}
