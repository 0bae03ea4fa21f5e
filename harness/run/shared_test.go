package run

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"hepex/harness/config"
	"hepex/harness/record"
)

// Points in another's hands, and those that another did after it was decided that they are missing, are left alone.
func TestClaimLeavesOthersAlone(t *testing.T) {
	dir := t.TempDir()
	r := newRunner("x", config.Limits{}, Options{Dir: dir})
	todo := []Planned{{ID: "free"}, {ID: "busy"}, {ID: "done"}}
	next, err := nextAttempts(r.store, todo)
	if err != nil {
		t.Fatal(err)
	}
	if _, taken, err := Claims(dir).Take("busy", 1); err != nil || !taken {
		t.Fatal(taken, err)
	}
	if err := r.store.Write(&record.Record{Point: "done", Status: record.Failed}); err != nil {
		t.Fatal(err)
	}
	mine, release, err := r.claim(todo, next)
	if err != nil || len(mine) != 1 || mine[0].ID != "free" || r.summary.Elsewhere != 2 {
		t.Fatalf("%v, %d elsewhere, %v: want the free point", mine, r.summary.Elsewhere, err)
	}
	s, err := Look(todo, dir)
	if err != nil || s.Running != 1 || s.Failed != 1 || len(s.Unfinished) != 2 || s.Left() != 1 {
		t.Errorf("%+v, %v: want one runner", s, err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	left, err := Claims(dir).List()
	if err != nil || len(left) != 1 || left[0].Point != "busy" {
		t.Errorf("claims left: %v, %v: want the other's", left, err)
	}
}

// A record that cannot be read now ends the run, which leaves all files as they are.
func TestUnreadableRecordEndsTheRun(t *testing.T) {
	c, err := config.Parse("f.yaml", []byte(frozenConfig))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := Plan(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	folder := filepath.Join(dir, "points", plan[0].ID)
	if err := os.MkdirAll(filepath.Join(folder, "1.json"), 0o755); err != nil { // reading a folder fails
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "2.json"), []byte("damaged"), 0o644); err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	_, err = Run(context.Background(), c, plan, Options{Dir: dir, CacheDir: t.TempDir()})
	if !errors.Is(err, syscall.EISDIR) || !strings.Contains(err.Error(), "nothing was changed") {
		t.Errorf("%v: want %v, and that nothing was changed", err, syscall.EISDIR)
	}
	if _, err := Missing(c, plan, Options{Dir: dir}); !errors.Is(err, syscall.EISDIR) {
		t.Errorf("missing: %v: want %v", err, syscall.EISDIR)
	}
	if after := tree(t, dir); !slices.Equal(before, after) {
		t.Errorf("before %v, after %v", before, after)
	}
}

// tree lists what lies below a folder, without hidden files.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !strings.HasPrefix(d.Name(), ".") {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func TestTimeLeft(t *testing.T) {
	dir := t.TempDir()
	store := record.NewStore(dir)
	var plan []Planned
	for i, id := range []string{"a", "b", "c", "d", "e"} {
		plan = append(plan, Planned{ID: id})
		if i >= 3 {
			continue
		}
		rec := &record.Record{Point: id, Status: record.OK, StartedAt: time.Unix(100, 0), EndedAt: time.Unix(110, 0)}
		rec.Training = &record.Training{Seconds: float64(10 * i)}
		if err := store.Write(rec); err != nil {
			t.Fatal(err)
		}
	}
	if s, err := Look(plan, dir); err != nil || s.Done != 3 || s.TimeLeft != 0 {
		t.Errorf("nothing runs: %+v, %v", s, err)
	}
	if _, taken, err := Claims(dir).Take("d", 1); err != nil || !taken {
		t.Fatal(taken, err)
	}
	if s, err := Look(plan, dir); err != nil || s.Running != 1 || s.TimeLeft != 40*time.Second {
		t.Errorf("%+v, %v: want two points of 20 s", s, err)
	}
}

func TestCountKills(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("job/memory.events", "low 0\noom 2\noom_kill 1\n")
	write("memory/slurm/job_7/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n")
	for text, want := range map[string]int{
		"0::/job\n": 1, "5:cpu:/x\n4:memory:/slurm/job_7\n0::/\n": 3, "0::/none\n": 0, "garbage": 0, "": 0,
	} {
		if got := countKills(write("cgroup", text), root); got != want {
			t.Errorf("%q: %d kills, want %d", text, got, want)
		}
	}
	if !killed(exec.Command("sh", "-c", "kill -9 $$").Run()) || killed(exec.Command("false").Run()) || killed(nil) {
		t.Error("killed processes are not told from others")
	}
}

func TestTogether(t *testing.T) {
	var all []Attempt
	for i, text := range []string{"ai", "b", "ai", "bi", "b", "a", "bi"} { // a family, and whether its points take turns
		a := Attempt{Planned: Planned{config.Point{Params: map[string]any{"train.seed": text[:1], "prune.ratio": i}}, fmt.Sprint(i)}}
		a.Spec.Measure = config.Measure{Encrypted: true, Order: record.Sequential}
		if len(text) > 1 {
			a.Spec.Measure.Order = record.Interleaved
		}
		all = append(all, a)
	}
	var got []string
	for _, group := range Together(all) {
		ids := ""
		for _, a := range group {
			ids += a.ID
		}
		got = append(got, ids)
	}
	if want := []string{"02", "1", "36", "4", "5"}; !slices.Equal(got, want) {
		t.Errorf("%q: want %q", got, want)
	}
}
