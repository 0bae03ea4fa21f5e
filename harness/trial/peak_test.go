package trial

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"testing"

	"hepex/harness/machine"
)

// asChild has the test binary measure the job on its standard input.
const asChild = "HEPEX_TEST_MEASURES"

func TestMain(m *testing.M) {
	if os.Getenv(asChild) == "" {
		os.Exit(runTests(m))
	}
	var j Job
	err := json.NewDecoder(os.Stdin).Decode(&j)
	if err == nil {
		var result *Result
		if result, err = Measure(j, nil, nil); err == nil {
			err = json.NewEncoder(os.Stdout).Encode(result)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// prices is a folder for what caches find that this machine takes: measuring it anew for each took a third of all tests' time.
var prices string

func runTests(m *testing.M) int {
	var err error
	if prices, err = os.MkdirTemp("", "prices"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(prices)
	return m.Run()
}

// sharePrices gives a cache the prices of the others, unless it is a mere name.
func sharePrices(t *testing.T, cache string) {
	t.Helper()
	if !filepath.IsAbs(cache) {
		return
	}
	err := os.MkdirAll(cache, 0o755)
	if err == nil {
		err = os.Symlink(prices, PriceDir(cache))
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
}

// measuredApart measures a prepared job in a process of its own, where nothing else is in memory.
func measuredApart(t *testing.T, j Job) *Result {
	t.Helper()
	job, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stdin, cmd.Stderr = append(os.Environ(), asChild+"=1"), bytes.NewReader(job), &log
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, log.String())
	}
	result := &Result{}
	if err := json.Unmarshal(text, result); err != nil {
		t.Fatal(err)
	}
	return result
}

// peaks is turns that note the peak of memory as it was before each evaluation.
type peaks struct {
	waste int // bytes that setting up takes
	seen  []int64
}

var ballast []byte

func (p *peaks) Admit(int64) error {
	ballast = make([]byte, p.waste)
	for i := 0; i < len(ballast); i += 4096 {
		ballast[i] = 1
	}
	p.seen = append(p.seen, machine.PeakRSS())
	ballast = nil
	return nil
}

func (p *peaks) Next() (bool, error) {
	p.seen = append(p.seen, machine.PeakRSS())
	return false, nil
}

// The peak of memory is that of evaluations: neither what was before nor what times the units counts.
func TestPeakIsThatOfEvaluations(t *testing.T) {
	debug.FreeOSMemory() // so that what is drawn is seen
	j := testJob(t, t.TempDir(), "x", "x")
	if err := Prepare(j, nil); err != nil {
		t.Fatal(err)
	}
	p := &peaks{waste: 256 << 20}
	result, err := Measure(j, nil, p)
	if err != nil {
		t.Fatal(err)
	}
	m := result.Record.Memory
	if len(p.seen) != 3 { // admitted, two evaluations
		t.Fatalf("%d turns", len(p.seen))
	}
	if m.PeakRSS < m.Model+m.Keys+m.Input || m.PeakRSS > p.seen[0]-128<<20 {
		t.Errorf("peak of %d MiB: want at least the %d of model, keys and input, and not the %d of setting up", m.PeakRSS>>20, (m.Model+m.Keys+m.Input)>>20, p.seen[0]>>20)
	}
	const least = 2 << 20 // a key of the reference rotation
	if more := p.seen[2] - m.PeakRSS; more < least {
		t.Errorf("the timers' keys add %d bytes to the peak of the first evaluation: want %d or more, which the record leaves out", more, least)
	}
}

// The peak that is predicted is that which is measured, for dense layers and for convolutions.
func TestPeakIsPredicted(t *testing.T) {
	const chain = ", log_q: [50, 40, 40, 40], log_p: [55], log_scale: 40"
	cache := t.TempDir()
	for name, edit := range map[string][]string{
		"dense layers":        {"hidden: [16]", "hidden: [128]"},
		"convolution":         {"type: mlp, hidden: [16]", "type: cnn, layers: [conv 8 5 stride 2]"},
		"convolution, pooled": {"type: mlp, hidden: [16]", "type: cnn, layers: [conv 16 5 stride 2, pool 2]", "weights: encrypted", "weights: plain"},
		"convolutions in integers": {
			"type: mlp, hidden: [16]", "type: cnn, layers: [conv 4 5 stride 2, pool 2, conv 8 3, pool 2]", "weights: encrypted", "weights: plain", "tile: 16x8x4", "tile: 16x8x32\nlayout: scalar", chain, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // each measures in a process of its own
			edit = append(edit, "p4e, ratio: 0.8, scope: global, permutation: kmeans, retrain: {epochs: 2}", "dense", "epochs: 2", "epochs: 1", "tile: 16x8x4", "tile: 16x8x32")
			j := testJob(t, cache, edit[0], edit[1:]...)
			if err := Prepare(j, nil); err != nil {
				t.Fatal(err)
			}
			result := measuredApart(t, j)
			got, want := result.Record.Memory.PeakRSS, result.Record.Predicted.PeakBytes
			if ratio := float64(want) / float64(got); ratio < 0.9 || ratio > 1.1 {
				t.Errorf("a peak of %d MiB, predicted were %d", got>>20, want>>20)
			}
			planned, err := NewForecaster(cache, ignore).Point(j)
			if err != nil {
				t.Fatal(err)
			}
			if planned.Peak != want {
				t.Errorf("a plan says %d bytes, the record %d", planned.Peak, want)
			}
		})
	}
}
