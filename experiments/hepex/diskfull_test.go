package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hepex/harness/record"
)

// frugal is a sweep whose results, with one figure, take less than a MB.
const frugal = `version: 1
name: small
data: {name: digits, train: 100, test: 20, validation: 0.1}
network: {type: mlp, hidden: [8], activation: square}
train: {epochs: 1, batch: 64, lr: 3e-3, seed: 1}
prune: {scheme: dense, retrain: {epochs: 1}}
tile: 16x8x4
he: {precision: 16, log_q: [50, 40, 40, 40], log_p: [55], log_scale: 40, insecure: true}
measure: {encrypted: false, warmup: 0, repeats: {min: 1, max: 1, ci: 0.5}}
sweep:
  grid: {train.seed: {from: 1, to: 5, step: 1}}
  cases: [{label: mapped, measure.encrypted: true}]
figures: [{id: quality, x: train.seed, y: quality.plain}]
`

const frugalPoints = 6

// disk is a file system of one MB, mostly filled with ballast.
type disk struct {
	t       *testing.T
	dir     string
	ballast int64
}

func mountSmallDisk(t *testing.T, dir string) *disk {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("no file system of its own to fill up: %v (mounting needs root)", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return &disk{t: t, dir: dir}
}

// leave leaves so many more bytes free than what lies there takes now.
func (d *disk) leave(free int64) {
	d.t.Helper()
	path := filepath.Join(d.dir, ".ballast")
	if err := os.RemoveAll(path); err != nil {
		d.t.Fatal(err)
	}
	var now syscall.Statfs_t
	if err := syscall.Statfs(d.dir, &now); err != nil {
		d.t.Fatal(err)
	}
	d.ballast = max(0, int64(now.Bavail)*now.Bsize-free)
	if err := os.WriteFile(path, make([]byte, d.ballast), 0o644); err != nil {
		d.t.Fatal(err)
	}
}

// On a full file system a run ends with one line that says so. What was done stays, and with more space the same command
// goes on, up to the end.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, folder, says string }{
		{"results", "results", "free some space"},
		{"cache", "cache", "XDG_CACHE_HOME"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, seen := newSandbox(t), files{}
			s.write("small.yaml", frugal)
			d := mountSmallDisk(t, filepath.Join(s.dir, c.folder))
			ends := map[int]int{}
			for free := int64(0); ; free += 24 << 10 {
				d.leave(free)
				code, stdout, stderr := s.run("run", "small.yaml")
				ends[code]++
				seen = s.checkIntact(seen)
				if code == exitDone || t.Failed() {
					break
				}
				last := stderr[strings.Index(stderr, "hepex: ")+1:]
				if code != exitInternal || strings.Count(last, "\n") != 1 || !strings.Contains(last, "no space left on device") || !strings.Contains(last, c.says) {
					t.Errorf("%d bytes free: exit code %d\n%s%s", free, code, stdout, stderr)
				}
				if d.ballast == 0 {
					t.Fatalf("the whole file system is not enough: %s", stderr)
				}
				s.checkNoLitter()
			}
			t.Logf("%d times out of space, %d records", ends[exitInternal], len(seen))
			if ends[exitInternal] < 3 {
				t.Error("the file system was hardly ever full")
			}
			set, _, err := record.NewStore(filepath.Join(s.dir, "results/small")).Load()
			if err != nil || len(set) != frugalPoints || len(seen) != frugalPoints {
				t.Errorf("%d points done in %d records, %v: want %d", len(set), len(seen), err, frugalPoints)
			}
		})
	}
}
