package network

import (
	"bytes"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gonum.org/v1/gonum/mat"
)

// TestGradientsWithTeacher compares every gradient of the loss with a teacher with a central difference.
func TestGradientsWithTeacher(t *testing.T) {
	classes := Data{Dim: 6, Labels: []uint8{0, 1, 2, 3, 0, 1, 2, 3, 3, 1, 0}}
	rng := rand.New(rand.NewPCG(5, 5))
	for range 11 * 6 {
		classes.X = append(classes.X, float32(rng.NormFloat64()))
	}
	order := rng.Perm(11)
	itself := Data{X: classes.X, Dim: 6}
	noisy := Data{X: classes.X, Dim: 6, Target: slices.Concat(classes.X[6:], classes.X[:6])}
	tests := map[string]struct {
		architecture Architecture
		data         Data
		options      Options
		known        int
	}{
		"classes":            {Architecture{Activation: "square"}, classes, Options{Alpha: 0.3, Temperature: 2.5}, 44},
		"classes, not kept":  {Architecture{Activation: "square"}, classes, Options{Alpha: 0.3, Temperature: 2.5}, 43},
		"teacher alone":      {Architecture{Activation: "quadratic"}, classes, Options{Alpha: 1, Temperature: 0.7}, 44},
		"batch norm":         {Architecture{Activation: "quadratic", BatchNorm: true}, classes, Options{Alpha: 0.5, Temperature: 4}, 0},
		"autoencoder":        {Architecture{Activation: "quadratic", Autoencoder: true}, itself, Options{Alpha: 0.4, Temperature: 1}, 66},
		"target, not kept":   {Architecture{Activation: "square", Autoencoder: true}, noisy, Options{Alpha: 0.4, Temperature: 1}, 65},
		"target, teacher":    {Architecture{Activation: "square", Autoencoder: true}, noisy, Options{Alpha: 1, Temperature: 1}, 66},
		"norms, autoencoder": {Architecture{Activation: "quadratic", Autoencoder: true, BatchNorm: true}, itself, Options{Alpha: 0.4, Temperature: 1}, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := test.architecture
			a.Inputs, a.Hidden, a.Outputs = 6, []int{5, 3}, 4
			if a.Autoencoder {
				a.Outputs = 6
			}
			n, _ := New(a, 3)
			test.options.Teacher, _ = New(a, 4)
			tr := newTrainer[float64](n, 11)
			tr.teach(test.data, test.options, test.known)
			if kept := tr.shards[0].lesson.known != nil; kept != (test.known >= 11*a.Outputs) {
				t.Errorf("%d outputs may be kept, kept: %t", test.known, kept)
			}
			checkGradients(t, tr, test.data, order)
		})
	}
}

func TestDistillationOfKnownValues(t *testing.T) {
	y, soft := []float64{0, math.Log(3)}, []float64{0, math.Log(81)}
	l := &lesson[float64]{alpha: 0.25, temperature: 2}
	p := 1 / (1 + math.Sqrt(3)) // softmax(y/2) is (p, 1−p), softmax(soft/2) is (0.1, 0.9)
	divergence := 0.1*math.Log(0.1/p) + 0.9*math.Log(0.9/(1-p))
	want := (0.75*math.Log(4.0/3) + 0.25*4*divergence) / 10
	if got := l.distillation(slices.Clone(y), soft, []uint8{1}, 10); math.Abs(got-want) > 1e-12 {
		t.Errorf("loss %g: want %g", got, want)
	}
	l.alpha = 1
	if got := l.distillation(soft, slices.Clone(soft), []uint8{1}, 10); math.Abs(got) > 1e-12 || math.Abs(soft[0]) > 1e-12 {
		t.Errorf("outputs of the teacher: loss %g, gradient %g: want nothing", got, soft[0])
	}
}

// A teacher must use the running statistics of its batch norm: its outputs are those of Forward. Whether they are kept
// must not change a bit, if sums do not depend on the number of rows.
func TestTeacherOutputs(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for range 20 {
		n := randomNetwork(rng)
		d := Data{Dim: n.Inputs}
		for range 600 * n.Inputs {
			d.X = append(d.X, float32(rng.NormFloat64()))
		}
		want := n.Forward(mat.NewDense(600, n.Inputs, widen(d.X)))
		_, width := want.Dims()
		largest := mat.Norm(want, math.Inf(1))
		samples := rng.Perm(600)[:20]
		var got [2][]float32
		for i, most := range []int{0, maxKnown} {
			tr := newTrainer[float32](n, 20)
			tr.teach(d, Options{Teacher: n, Alpha: 1, Temperature: 1}, most)
			got[i] = tr.shards[2].lesson.outputs(d, samples)
		}
		if BLAS == "gonum" && !slices.Equal(got[0], got[1]) {
			t.Fatal("outputs that are kept differ from those that are not")
		}
		for i, v := range got[0] {
			if w := want.At(samples[i/width], i%width); math.Abs(float64(v)-w) > 1e-4*largest {
				t.Fatalf("sample %d, output %d: %g, want %g", samples[i/width], i%width, v, w)
			}
		}
	}
}

// A student that is told nothing but what a teacher thinks learns what the teacher knows.
func TestTeacherTeaches(t *testing.T) {
	a := Architecture{Inputs: 2, Hidden: []int{16}, Outputs: 3, Activation: "quadratic"}
	teacher, _ := New(a, 1)
	o := Options{Epochs: 20, Batch: 64, LR: 2e-2, Clip: 1, Warmup: 20}
	if err := Train(teacher, rings(2000, 1), o); err != nil {
		t.Fatal(err)
	}
	before := teacher.Clone()
	nonsense := rings(2000, 3)
	clear(nonsense.Labels)
	o.Teacher, o.Alpha, o.Temperature = teacher, 1, 2
	student, _ := New(a, 2)
	if err := Train(student, nonsense, o); err != nil {
		t.Fatal(err)
	}
	if q, err := Evaluate(student, rings(1000, 2)); err != nil || q.Value < 0.85 {
		t.Errorf("%v, %v: want an accuracy of at least 0.85", q, err)
	}
	if diff := cmp.Diff(before, teacher); diff != "" {
		t.Errorf("the teacher changed:\n%s", diff)
	}
	if err := Train(teacher, nonsense, o); err != nil {
		t.Errorf("a network that is its own teacher: %v", err)
	}
}

func TestTeacherIsDeterministic(t *testing.T) {
	a := Architecture{Inputs: 2, Hidden: []int{16, 7}, Outputs: 3, Activation: "quadratic", BatchNorm: true}
	teacher, _ := New(a, 1)
	run := func(procs int, o Options) []byte {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		n, _ := New(a, 2)
		o.Epochs, o.Batch, o.LR, o.Clip = 2, 30, 1e-2, 1
		if err := Train(n, rings(200, 1), o); err != nil {
			t.Fatal(err)
		}
		return encoded(t, n)
	}
	taught := Options{Teacher: teacher, Alpha: 0.5, Temperature: 2}
	want := run(1, taught)
	for _, procs := range []int{2, 5} {
		if !bytes.Equal(run(procs, taught), want) {
			t.Errorf("GOMAXPROCS %d changes the result", procs)
		}
	}
	alone := run(1, Options{})
	if bytes.Equal(alone, want) {
		t.Error("the teacher changes nothing")
	}
	taught.Alpha = 0
	if !bytes.Equal(run(1, taught), alone) {
		t.Error("a teacher without weight changes the result")
	}
	if !bytes.Equal(run(1, Options{Alpha: 0.5, Temperature: 2}), alone) {
		t.Error("the weight of no teacher changes the result")
	}
}

func TestTeacherRefused(t *testing.T) {
	other := func(inputs, outputs int) *Network {
		n, _ := New(Architecture{Inputs: inputs, Outputs: outputs, Activation: "square"}, 1)
		return n
	}
	tests := map[string]struct {
		options Options
		want    string
	}{
		"inputs":      {Options{Teacher: other(3, 3), Alpha: 0.5, Temperature: 1}, "teacher of 3 inputs and 3 outputs: want 2 and 3"},
		"outputs":     {Options{Teacher: other(2, 4), Alpha: 0.5, Temperature: 1}, "teacher of 2 inputs and 4 outputs"},
		"broken":      {Options{Teacher: &Network{}, Alpha: 0.5, Temperature: 1}, "teacher: 0 inputs"},
		"negative":    {Options{Teacher: other(2, 3), Alpha: -0.1, Temperature: 1}, "weight of the teacher -0.1"},
		"above one":   {Options{Teacher: other(2, 3), Alpha: 1.1, Temperature: 1}, "weight of the teacher 1.1"},
		"nan":         {Options{Teacher: other(2, 3), Alpha: math.NaN(), Temperature: 1}, "weight of the teacher NaN"},
		"cold":        {Options{Teacher: other(2, 3), Alpha: 0.5}, "temperature 0"},
		"boiling":     {Options{Teacher: other(2, 3), Alpha: 0.5, Temperature: math.Inf(1)}, "temperature +Inf"},
		"temperature": {Options{Teacher: other(2, 3), Alpha: 0.5, Temperature: math.NaN()}, "temperature NaN"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.options.Epochs, test.options.Batch, test.options.LR = 1, 10, 1e-3
			wantError(t, Train(other(2, 3), rings(20, 1), test.options), test.want)
		})
	}
}
