package config

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExpect(t *testing.T) {
	c := parse(t, edited(`expect:
  - {id: C1, where: {prune.scheme: p4e, tile: {in: 8, out: 8, batch: 64}, network.hidden: [128], prune.ratio: "<0.9"}, metric: saved.tiles, reduce: max, paper: [0.33, 0.65]}
  - id: v1-C5.a
    where: {prune.scheme: joint, he.insecure: false, quality.validation_degradation: "<= 1.5e-2", tiles.kept: "> 3"}
    metric: tiles.kept
    reduce: median
    against: {quality.validation_degradation: "< 0.1", prune.scheme: hunter}
    over: [train.seed, prune.ratio]
    paper: -0.7
    tolerance: 0.1
    note: "v1, abstract: on average"`))
	want := []Expectation{
		{
			ID: "C1",
			Where: []Condition{
				{Ref: Ref{"prune.scheme", "f", 8, 22}, Value: "p4e"}, {Ref: Ref{"tile", "f", 8, 41}, Value: "8x8x64"},
				{Ref: Ref{"network.hidden", "f", 8, 75}, Value: []int{128}}, {Ref: Ref{"prune.ratio", "f", 8, 98}, Op: "<", Limit: 0.9},
			},
			Metric: Ref{"saved.tiles", "f", 8, 128}, Reduce: "max", Paper: Range{0.33, 0.65},
		},
		{
			ID: "v1-C5.a",
			Where: []Condition{
				{Ref: Ref{"prune.scheme", "f", 10, 13}, Value: "joint"}, {Ref: Ref{"he.insecure", "f", 10, 34}, Value: false},
				{Ref: Ref{"quality.validation_degradation", "f", 10, 54}, Op: "<=", Limit: 0.015}, {Ref: Ref{"tiles.kept", "f", 10, 99}, Op: ">", Limit: 3},
			},
			Metric: Ref{"tiles.kept", "f", 11, 13}, Reduce: "median", Over: []string{"train.seed", "prune.ratio"},
			Against: []Condition{
				{Ref: Ref{"quality.validation_degradation", "f", 13, 15}, Op: "<", Limit: 0.1}, {Ref: Ref{"prune.scheme", "f", 13, 56}, Value: "hunter"},
			},
			Paper: Range{-0.7, -0.7}, Tolerance: 0.1, Note: "v1, abstract: on average",
		},
	}
	if diff := cmp.Diff(want, c.Expect); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	w, a := want[1].Where, want[1].Against
	if diff := cmp.Diff([]Condition{a[1], w[1], a[0], w[3]}, c.Expect[1].Rival()); diff != "" {
		t.Errorf("rival (-want +got):\n%s", diff)
	}
}

// A single number has a tolerance, unless it is given as 0; a range and a goal have none.
func TestDefaultTolerance(t *testing.T) {
	for paper, want := range map[string]float64{
		"goal: 0.7": 0, "goal: [0.6, 0.7]": 0, "goal: 0.7, tolerance: 0.1": 0.1,
		"paper: 0.7": 0.1, "paper: [0.7, 0.7]": 0.1, "paper: [0.6, 0.7]": 0,
		"paper: 0.7, tolerance: 0": 0, "paper: 0.7, tolerance: 0.2": 0.2, "paper: [0.6, 0.7], tolerance: 0.05": 0.05,
	} {
		c := parse(t, edited(`expect: [{id: a, where: {prune.scheme: p4}, metric: tiles.kept, reduce: min, `+paper+`}]`))
		if got := c.Expect[0].Tolerance; got != want {
			t.Errorf("%s: tolerance %g, want %g", paper, got, want)
		}
	}
}

// Metrics are checked where they are written, those compared in where and against too; parameters are known.
func TestExpectNames(t *testing.T) {
	c := parse(t, edited(`expect: [{id: a, where: {prune.scheme: p4e, tiles.kpet: "< 1", prune.ratio: "< 1"}, against: {tiles.kpet: "< 2"}, metric: saved.all, reduce: min, over: [tile], paper: 1}]`))
	var asked []string
	number := func(name string) error { asked = append(asked, name); return errors.New("no metric " + name) }
	err := c.CheckNames(number, number, number)
	want := "f:7:45: no metric tiles.kpet\nf:7:64: no metric prune.ratio\nf:7:95: no metric tiles.kpet\nf:7:123: no metric saved.all"
	if err == nil || err.Error() != want || len(asked) != 4 {
		t.Errorf("got %v, want %s; asked for %q", err, want, asked)
	}
}

// Where a number is from is one line, read in a text or measured with a program; a goal is told from a paper's number.
func TestSources(t *testing.T) {
	for entry, want := range map[string]Expectation{
		`paper: 2, read: "a text, table 3"`: {Source: "a text, table 3"},
		`paper: 2, measured: their program`: {Source: "their program", Measured: true},
		`goal: 2`:                           {Goal: true},
	} {
		e := parse(t, edited(`expect: [{id: a, where: {prune.scheme: p4}, metric: tiles.kept, reduce: min, `+entry+`}]`)).Expect[0]
		got := Expectation{Source: e.Source, Measured: e.Measured, Goal: e.Goal}
		if diff := cmp.Diff(want, got); diff != "" || e.Paper != (Range{2, 2}) {
			t.Errorf("%s: paper %v (-want +got):\n%s", entry, e.Paper, diff)
		}
	}
}

// Expectations that no point of the sweep can be about are refused where the point is lost, on the side of the rival too.
func TestExpectationsOfNoPoint(t *testing.T) {
	known := func(string) error { return nil }
	for conditions, want := range map[string]string{
		`where: {prune.scheme: p4e, prune.ratio: 0.5, quality.plain: "> 2"}`:                               "",
		`where: {prune.scheme: p4e, prune.ratio: "> 0.4"}`:                                                 "",
		`where: {prune.scheme: p4e, prune.ratio: 0.7}`:                                                     "where: no point of the sweep has prune.ratio 0.7",
		`where: {prune.scheme: p4e, prune.ratio: "> 0.9"}`:                                                 "where: no point of the sweep has prune.ratio > 0.9",
		`where: {prune.scheme: joint, prune.permutation: kmeans}`:                                          "where: no point of the sweep has prune.permutation kmeans", // joint does not read it
		`where: {prune.scheme: p4e, quality.plain: "> 0"}, against: {quality.plain: "> 1"}`:                "",
		`where: {prune.scheme: p4e, network.hidden: [64]}, against: {prune.scheme: hunter}`:                "against: no point of the sweep has prune.scheme hunter",
		`where: {prune.scheme: dense, prune.ratio: "> 0"}, against: {prune.scheme: p4e, prune.ratio: 0.8}`: "where: no point of the sweep has prune.ratio > 0",
	} {
		c := parse(t, strings.NewReplacer("[128]", "[64]").Replace(edited("sweep: {grid: {prune.scheme: [dense, p4e, joint], prune.ratio: [0.5, 0.8], prune.permutation: [kmeans, none]}}\n"+
			`expect: [{id: a, `+conditions+`, metric: tiles.kept, reduce: min, paper: 1}]`)))
		err := c.CheckNames(known, known, known)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", conditions, err, want)
		}
	}
}
