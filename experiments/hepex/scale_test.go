package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"hepex/harness/config"
	"hepex/harness/record"
	"hepex/harness/run"
	"hepex/harness/trial"
)

// thousand is a config of 1,000 points.
func thousand() string {
	text := small[:strings.Index(small, "sweep:")] + `sweep:
  grid: {prune.scheme: [p2t, p4e], prune.ratio: {from: 0.5, to: 0.94, step: 0.01}, train.seed: {from: 1, to: 11, step: 1}}
  cases:
`
	for seed := 1; seed <= 10; seed++ {
		text += fmt.Sprintf("    - {prune.scheme: dense, train.seed: %d}\n", seed)
	}
	return text
}

const thousandPoints = 1000

// inFolder has a benchmark run in an empty folder with caches of its own, which hold the prices of the ring.
func inFolder(b *testing.B, text string) {
	b.Helper()
	b.Chdir(b.TempDir())
	b.Setenv("XDG_CACHE_HOME", filepath.Join(b.TempDir(), "cache"))
	b.Setenv("HEPEX_DATA", "")
	if err := os.WriteFile("small.yaml", []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
}

// runVerb runs a command in this process.
func runVerb(b *testing.B, args ...string) string {
	b.Helper()
	var out, stderr bytes.Buffer
	if code := execute(context.Background(), streams{strings.NewReader(""), &out, &stderr}, args); code != exitDone {
		b.Fatalf("%v: exit code %d\n%s", args, code, stderr.String())
	}
	return out.String()
}

// perPoint reports what one of so many points took, by the clock and of the processors' time.
func perPoint(b *testing.B, points int, do func()) {
	b.Helper()
	before := processorTime()
	for b.Loop() {
		do()
	}
	n := float64(b.N) * float64(points)
	b.ReportMetric(b.Elapsed().Seconds()*1e3/n, "ms/point")
	b.ReportMetric((processorTime()-before).Seconds()*1e3/n, "cpu-ms/point")
}

// processorTime is that of this process and of its children that have ended.
func processorTime() (sum time.Duration) {
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) == nil {
			sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	return sum
}

// A plan of 1,000 points with its predictions: target 1 s.
func BenchmarkPlan(b *testing.B) {
	inFolder(b, thousand())
	if out := runVerb(b, "plan", "small.yaml"); !strings.Contains(out, fmt.Sprintf("%d points", thousandPoints)) {
		b.Fatal(out) // this also measured the prices
	}
	perPoint(b, thousandPoints, func() { runVerb(b, "plan", "small.yaml") })
}

// A plan of points whose networks are trained, and are looked at.
func BenchmarkPlanOfTrained(b *testing.B) {
	inFolder(b, small)
	b.Setenv(asProgram, "1") // for the processes of points
	runVerb(b, "run", "small.yaml")
	perPoint(b, smallPoints, func() { runVerb(b, "plan", "small.yaml") })
}

// Checking a config of 1,000 points, which every command begins with.
func BenchmarkCheck(b *testing.B) {
	inFolder(b, thousand())
	perPoint(b, thousandPoints, func() { runVerb(b, "check", "small.yaml") })
}

// A run with nothing left to do of 1,000 points: target 2 s.
func BenchmarkResume(b *testing.B) {
	inFolder(b, thousand())
	finish(b)
	runVerb(b, "run", "small.yaml") // draws
	perPoint(b, thousandPoints, func() {
		if out := runVerb(b, "run", "small.yaml"); !strings.Contains(out, "nothing to do: all 1000 points are done") {
			b.Fatal(out)
		}
	})
}

// finish gives every point of small.yaml a record as a real one is.
func finish(b *testing.B) {
	b.Helper()
	model, err := record.Read(modelRecord(b))
	if err != nil {
		b.Fatal(err)
	}
	c, err := config.Load("small.yaml")
	if err != nil {
		b.Fatal(err)
	}
	plan, err := run.Plan(c, nil)
	if err != nil || len(plan) != thousandPoints {
		b.Fatal(len(plan), err)
	}
	store := record.NewStore("results/small")
	for _, p := range plan {
		r := *model
		r.Point, r.Params, r.Label = p.ID, p.Params, p.Label
		if err := store.Write(&r); err != nil {
			b.Fatal(err)
		}
	}
}

// modelRecord is the record of a real point.
func modelRecord(b *testing.B) string {
	b.Helper()
	b.Setenv(asProgram, "1") // for the processes of points
	text := strings.Replace(small, "[p2t, p4e], prune.ratio: {from: 0.5, to: 0.9, step: 0.2}", "[p4e], prune.ratio: [0.5]", 1)
	if err := os.WriteFile("one.yaml", []byte(strings.Replace(text, "name: small", "name: one", 1)), 0o644); err != nil {
		b.Fatal(err)
	}
	runVerb(b, "run", "one.yaml")
	paths, err := filepath.Glob("results/one/points/*/1.json")
	if err != nil || len(paths) != 2 {
		b.Fatal(paths, err)
	}
	return paths[0]
}

// A point whose network is in the cache and whose quality alone is asked for, so that everything is overhead: target 50 ms.
func BenchmarkCachedPoint(b *testing.B) {
	const points = 20
	text := strings.Replace(small, "measure: {", "measure: {encrypted: false, ", 1)
	text = text[:strings.Index(text, "sweep:")] + "sweep: {grid: {train.seed: {from: 1, to: 20, step: 1}}}\nfigures: [{id: quality, x: train.seed, y: quality.plain}]\n"
	inFolder(b, text)
	b.Setenv(asProgram, "1")
	runVerb(b, "run", "small.yaml")
	perPoint(b, points, func() { runVerb(b, "run", "small.yaml", "--force") })
}

// Points that are measured under encryption, trained already: what their measuring takes in this process, and how much longer
// a run with all that it does besides takes: target 3 %.
func BenchmarkMeasuredPoint(b *testing.B) {
	const points = 4
	inFolder(b, `version: 1
name: small
data: {name: digits, train: 600, test: 256, validation: 0.1}
network: {type: mlp, hidden: [64], activation: square}
train: {epochs: 2, batch: 64, lr: 3e-3, seed: 1}
prune: {scheme: dense, retrain: {epochs: 2}}
tile: 8x8x64
he: {weights: encrypted, precision: 16}
measure: {warmup: 1, repeats: {min: 8, max: 8, ci: 0.5}}
sweep: {grid: {train.seed: {from: 1, to: 4, step: 1}}}
tables: [{id: density, rows: train.seed, cols: prune.scheme, cells: [tiles.density]}]
`)
	b.Setenv(asProgram, "1")
	runVerb(b, "run", "small.yaml")
	c, err := config.Load("small.yaml")
	if err != nil {
		b.Fatal(err)
	}
	plan, err := run.Plan(c, nil)
	if err != nil || len(plan) != points {
		b.Fatal(len(plan), err)
	}
	var direct, byRun time.Duration
	for b.Loop() {
		start := time.Now()
		for _, p := range plan {
			job := trial.Job{Experiment: c.Name, Point: p.ID, Spec: p.Spec, Params: p.Params, CacheDir: filepath.Join(os.Getenv("XDG_CACHE_HOME"), "hepex")}
			if _, err := trial.Measure(job, nil, nil); err != nil {
				b.Fatal(err)
			}
		}
		direct += time.Since(start)
		start = time.Now()
		runVerb(b, "run", "small.yaml", "--force")
		byRun += time.Since(start)
	}
	n := float64(b.N) * points
	b.ReportMetric(direct.Seconds()/n, "s/point")
	b.ReportMetric((byRun-direct).Seconds()*1e3/n, "overhead-ms/point")
	b.ReportMetric(100*(byRun.Seconds()/direct.Seconds()-1), "overhead-%")
}
