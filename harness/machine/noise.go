package machine

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"hepex/harness/record"
	"hepex/harness/stats"
)

// A machine on which times are reliable stays below these.
const (
	busyRotation  = 1.3  // median of rotations, of their shortest
	busyFrequency = 1.1  // greatest frequency, of the least
	busySteal     = 0.02 // share of processor time that went to other guests
)

// NoiseWatch follows what else the machine does while evaluations run.
type NoiseWatch struct {
	root        string // of /proc and /sys
	frequencies []string
	start       cpuTimes
	low, high   float64 // kHz
}

// WatchNoise begins with the /proc and /sys below root, which is / but in tests.
func WatchNoise(root string) *NoiseWatch {
	w := &NoiseWatch{root: root, start: readCPUTimes(root)}
	w.frequencies, _ = filepath.Glob(filepath.Join(root, "sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq")) // the pattern is good
	return w
}

// Sample notes the frequency of the fastest core, which is the one that evaluates: idle cores are slow for good reason.
func (w *NoiseWatch) Sample() {
	fastest := 0.0
	for _, path := range w.frequencies {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if kHz, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64); err == nil {
			fastest = math.Max(fastest, kHz)
		}
	}
	if fastest == 0 {
		return
	}
	if w.low == 0 || fastest < w.low {
		w.low = fastest
	}
	w.high = math.Max(w.high, fastest)
}

// End sums up what was seen since the start.
func (w *NoiseWatch) End() *record.Noise {
	n := &record.Noise{Load1End: load1(w.root), MHzLow: w.low / 1000, MHzHigh: w.high / 1000}
	now := readCPUTimes(w.root)
	if stolen, used := now.stolen-w.start.stolen, now.used-w.start.used; stolen > 0 && used >= 0 {
		n.Steal = stolen / (stolen + used)
	}
	return n
}

// cpuTimes is processor time since boot, in ticks: given to processes and interrupts here, and to other guests of the host. The cores
// are those of the machine, whichever of them this process may use.
type cpuTimes struct {
	used, stolen float64
	cores        int
}

// readCPUTimes is zero where /proc/stat does not tell.
func readCPUTimes(root string) cpuTimes {
	text, err := os.ReadFile(filepath.Join(root, "proc/stat"))
	if err != nil {
		return cpuTimes{}
	}
	line, rest, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(line) // cpu user nice system idle iowait irq softirq steal …
	if len(fields) < 9 || fields[0] != "cpu" {
		return cpuTimes{}
	}
	ticks := make([]float64, 9)
	for i := 1; i < len(ticks); i++ {
		if ticks[i], err = strconv.ParseFloat(fields[i], 64); err != nil {
			return cpuTimes{}
		}
	}
	return cpuTimes{used: ticks[1] + ticks[2] + ticks[3] + ticks[6] + ticks[7], stolen: ticks[8], cores: strings.Count("\n"+rest, "\ncpu")}
}

// WatchOthers begins to follow what share of the machine's cores others keep busy, processes and other guests of the host. What it returns
// tells the mean since then, from 0 to 1: 0 where the /proc below root does not tell.
func WatchOthers(root string) func() float64 {
	start, own, began := readCPUTimes(root), ownSeconds(), time.Now()
	return func() float64 {
		now := readCPUTimes(root)
		others := (now.used+now.stolen-start.used-start.stolen)/ticksPerSecond - (ownSeconds() - own)
		if now.cores == 0 {
			return 0
		}
		return min(max(others/(time.Since(began).Seconds()*float64(now.cores)), 0), 1)
	}
}

const ticksPerSecond = 100 // of /proc/stat, on every architecture that Go runs on

// ownSeconds is the processor time that this process has used.
func ownSeconds() float64 {
	var r unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano()).Seconds()
}

// load1 is the mean number of tasks that ran or wanted to in the last minute, 0 where /proc does not tell.
func load1(root string) float64 {
	text, err := os.ReadFile(filepath.Join(root, "proc/loadavg"))
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), " ")
	load, _ := strconv.ParseFloat(first, 64)
	return load
}

// Unreliable says why the times of a record are, in the names of its fields. Rotations are timed one after each evaluation.
func Unreliable(e record.Environment, n *record.Noise, rotations []float64) []string {
	var why []string
	if cores := float64(e.Cores); e.Load1 > cores {
		why = append(why, "environment.load1")
	} else if n.Load1End > cores {
		why = append(why, "noise.load1_end")
	}
	if s, err := stats.Median(rotations); err == nil && s.Median > busyRotation*slices.Min(rotations) {
		why = append(why, "latency_s.rotation")
	}
	if n.MHzHigh > busyFrequency*n.MHzLow {
		why = append(why, "noise.mhz_low")
	}
	if n.Steal > busySteal {
		why = append(why, "noise.steal")
	}
	return why
}
