package packing

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"testing"

	"hepex/network/networktest"
)

// throughJSON sends an outline to somebody without the network.
func throughJSON(t *testing.T, o Outline) Outline {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var got Outline
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	return got
}

// Whoever has the outline packs the same inputs, draws the same keys and finds the same outputs as whoever has the network.
func TestOutline(t *testing.T) {
	rng := rand.New(rand.NewPCG(17, 5))
	for range rounds(t) {
		f := randomDense(rng)
		if rng.IntN(2) == 0 {
			f = randomConv(rng, 4)
		}
		encrypted := rng.IntN(2) == 0
		choice := Choice{Tiles, randomShape(rng), encrypted}
		switch rng.IntN(3) {
		case 0:
			choice = OneImageIn(64<<rng.IntN(6), encrypted)
		case 1:
			choice, encrypted = ScalarIn(64), false
		}
		m, err := choice.Pack(f, networktest.Orders(rng, f.Dims()))
		if err != nil {
			t.Fatal(err)
		}
		m.Trim()
		rescaleSomehow(t, rng, m.Layout)
		l, err := throughJSON(t, m.Outline(encrypted)).Layout()
		if err != nil {
			t.Fatalf("%s, dims %v: %v", choice, f.Dims(), err)
		}
		if !l.Equal(m.Layout) || l.Levels != m.Levels || !reflect.DeepEqual(l.KeyLevels(encrypted), m.KeyLevels(encrypted)) {
			t.Fatalf("%s, dims %v: another program:\n%+v\n%+v", choice, f.Dims(), l, m.Layout)
		}
		x := networktest.Samples(rng, 1+rng.IntN(m.Batch), f.Geometry().Axis(0).Size())
		want, err := m.Input(x)
		if err != nil {
			t.Fatal(err)
		}
		got, err := l.Input(x)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s, dims %v: other inputs, %v", choice, f.Dims(), err)
		}
		last := &m.Layers[len(m.Layers)-1]
		rows := networktest.Samples(rng, last.Rows, m.Slots)
		want, err = m.Output(rows, len(x))
		if err != nil {
			t.Fatal(err)
		}
		if got, err = l.Output(rows, len(x)); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s, dims %v: other outputs, %v", choice, f.Dims(), err)
		}
	}
}

// An outline that somebody changed is an error or a layout, which packs inputs: never a crash.
func TestHostileOutlines(t *testing.T) {
	rng := rand.New(rand.NewPCG(18, 5))
	refused := 0
	for range rounds(t) {
		f := randomConv(rng, 4)
		choice := []Choice{TilesOf(Shape{4, 4, 4}), OneImageIn(256, false), ScalarIn(64)}[rng.IntN(3)]
		m, err := choice.Pack(f, nil)
		if err != nil {
			t.Fatal(err)
		}
		m.Trim()
		o := throughJSON(t, m.Outline(false))
		number := []int{-1, 0, 1, 2, 3, 7, 1 << 20, 1 << 40}[rng.IntN(8)]
		s := &o.Geometry[rng.IntN(len(o.Geometry))]
		switch rng.IntN(14) {
		case 0:
			s.Out = number
		case 1:
			s.Window.In.Channels = number
		case 2:
			s.Window.Kernel.H = number
		case 3:
			s.Window.Stride.W = number
		case 4:
			s.Window.Padding.H = number
		case 5:
			o.Inputs = number
		case 6:
			o.Channels = number
		case 7:
			o.Squares = o.Squares[1:]
		case 8:
			o.Delays = number
		case 12:
			o.SumsFirst = []int{number, rng.IntN(3), number}
		case 9:
			o.InputOrder = []int{number}
		case 10:
			o.OutputOrder = []int{number}
		case 11:
			o.Fraction = []int{number}
		default:
			o.Taps = []bool{true, false}
		}
		l, err := o.Layout()
		if err != nil {
			refused++
			continue
		}
		if o.Inputs > 1<<12 {
			continue
		}
		if _, err := l.Input(networktest.Samples(rng, 1, o.Inputs)); err != nil {
			t.Fatal(err)
		}
		last := &l.Layers[len(l.Layers)-1]
		if _, err := l.Output(networktest.Samples(rng, last.Rows, l.Slots), 1); err != nil {
			t.Fatal(err)
		}
	}
	if refused < rounds(t)/3 {
		t.Errorf("%d outlines refused, want more", refused)
	}
}
