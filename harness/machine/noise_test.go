package machine

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hepex/harness/record"
)

// kernel is a folder that holds what the kernel tells in /proc and /sys.
type kernel struct {
	t    *testing.T
	root string
}

func (m kernel) write(path, text string) {
	m.t.Helper()
	path = filepath.Join(m.root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

const frequency = "sys/devices/system/cpu/cpu%/cpufreq/scaling_cur_freq"

func (m kernel) clock(core, kHz string) {
	m.t.Helper()
	m.write(strings.Replace(frequency, "%", core, 1), kHz+"\n")
}

func TestNoiseWatch(t *testing.T) {
	m := kernel{t, t.TempDir()}
	m.write("proc/stat", "cpu  100 0 50 1000 7 5 5 10 99 0\ncpu0 1 2 3\n")
	m.write("proc/loadavg", "0.50 0.40 0.30 1/100 4242\n")
	m.clock("0", "3000000")
	m.clock("1", "800000")
	w := WatchNoise(m.root)
	w.Sample()
	m.clock("0", "800000")
	m.clock("1", "2400000") // moved to the other core, and slower
	w.Sample()
	// 96 ticks used (40 user, 26 nice, 20 system, 10 of interrupts), 4 stolen; idle ones and those of our own guests do not count.
	m.write("proc/stat", "cpu  140 26 70 5000 70 10 10 14 500 0\n")
	m.write("proc/loadavg", "2.25 0.40 0.30 1/100 4242\n")
	if got, want := *w.End(), (record.Noise{Load1End: 2.25, Steal: 0.04, MHzLow: 2400, MHzHigh: 3000}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// Where the kernel tells nothing, or something else, nothing is made up.
func TestNoiseWatchWithoutSources(t *testing.T) {
	for name, stat := range map[string]string{"none": "", "old kernel": "cpu 1 2 3 4", "no numbers": "cpu a b c d e f g h", "another line": "intr 1 2 3 4 5 6 7 8"} {
		m := kernel{t, t.TempDir()}
		if name != "none" {
			m.write("proc/stat", stat)
			m.write("proc/loadavg", "")
			m.clock("0", "<unknown>")
		}
		w := WatchNoise(m.root)
		w.Sample()
		if got := *w.End(); got != (record.Noise{}) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// What this process uses itself does not count, what others use does, and never more than there is.
func TestWatchOthers(t *testing.T) {
	m := kernel{t, t.TempDir()}
	stat := func(user, stolen float64) {
		m.write("proc/stat", fmt.Sprintf("cpu  %.2f 0 0 0 0 0 0 %.2f 0 0\ncpu0 1 2 3\ncpu1 1 2 3\ncpu2 1 2 3\nintr 7\n", user, stolen))
	}
	stat(1000, 50)
	early := time.Now()
	others := WatchOthers(m.root)
	late, own := time.Now(), ownSeconds()
	for time.Since(late) < 100*time.Millisecond { // works
	}
	stat(1000+100*(ownSeconds()-own), 50)
	if got := others(); got > 0.1 {
		t.Errorf("%.2f of the cores, but only this process ran", got)
	}
	stat(1000+100*(ownSeconds()-own)+10, 55) // other processes .1 s, other guests .05 s
	most := 0.05 / time.Since(late).Seconds()
	got := others()
	if least := 0.05 / time.Since(early).Seconds(); got < least-0.03 || got > most+0.03 {
		t.Errorf("%.3f of three cores: want %.3f to %.3f", got, least, most)
	}
	stat(1000+1e6, 50)
	if got := others(); got != 1 {
		t.Errorf("%.2f of the cores: want all", got)
	}
	m.write("proc/stat", "nothing")
	if got := others(); got != 0 {
		t.Errorf("%.2f of the cores, of which nothing is known", got)
	}
}

func TestUnreliable(t *testing.T) {
	quiet := []float64{1, 1.1, 1.25, 1.1, 1.2}
	// Most of 20 were slowed down, so that even the lower end of the median's interval, the sixth smallest, is.
	slowed := append([]float64{1, 1.1, 1.2, 1.3}, slices.Repeat([]float64{1.5}, 16)...)
	spiked := append(slices.Repeat([]float64{1}, 12), 5, 5, 5, 5, 5, 5, 5, 5) // fewer than half: the median is as on a quiet machine
	for _, c := range []struct {
		name      string
		load1     float64
		noise     record.Noise
		rotations []float64
		want      string
	}{
		{"quiet", 2, record.Noise{Load1End: 2, Steal: 0.02, MHzLow: 3000, MHzHigh: 3200}, quiet, ""},
		{"nothing known", 0, record.Noise{}, quiet, ""},
		{"load before", 2.5, record.Noise{Load1End: 3}, quiet, "environment.load1"},
		{"load after", 1, record.Noise{Load1End: 2.5}, quiet, "noise.load1_end"},
		{"rotations", 1, record.Noise{}, slowed, "latency_s.rotation"},
		{"some rotations", 1, record.Noise{}, spiked, ""},
		{"one rotation", 1, record.Noise{}, []float64{3}, ""},
		{"frequency and steal", 1, record.Noise{Steal: 0.03, MHzLow: 2400, MHzHigh: 3000}, quiet, "noise.mhz_low noise.steal"},
	} {
		got := strings.Join(Unreliable(record.Environment{Cores: 2, Load1: c.load1}, &c.noise, c.rotations), " ")
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
