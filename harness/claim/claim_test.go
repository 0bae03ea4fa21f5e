package claim

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// as opens the folder as another process does.
func as(dir string, o Owner) *Folder { return &Folder{dir, o} }

// leave writes a claim of an owner into the folder.
func leave(t *testing.T, dir, name string, o Owner) {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// slurmWith puts a squeue on the path that behaves as the script says.
func slurmWith(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "squeue"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
}

// Whoever is gone and whoever may live: one of many takes over from the first, none from the second.
func TestOneTakesTheClaim(t *testing.T) {
	dead := exec.Command("true")
	if err := dead.Run(); err != nil {
		t.Fatal(err)
	}
	me := self()
	for name, c := range map[string]struct {
		owner  *Owner // nil: nobody
		job    string // that this process runs in
		squeue string
		taken  bool
	}{
		"free":                     {nil, "", "exit 1", true},
		"alive":                    {&me, "", "exit 1", false},
		"dead":                     {&Owner{Host: me.Host, PID: dead.Process.Pid, Began: "5"}, "", "exit 1", true},
		"number used again":        {&Owner{Host: me.Host, PID: me.PID, Began: me.Began + "0"}, "", "exit 1", true},
		"other host":               {&Owner{Host: "far", PID: 1, Began: "5"}, "", "exit 1", false},
		"job runs":                 {&Owner{Host: "far", Job: "7"}, "", "echo '7|1|RUNNING|x'", false},
		"job is over":              {&Owner{Host: "far", Job: "7"}, "", "echo '8|1|RUNNING|x'", true},
		"job is long over":         {&Owner{Host: "far", Job: "7"}, "", "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1", true},
		"job was queued again":     {&Owner{Host: "far", Job: "7"}, "", "echo '7|1|PENDING|x'", true},
		"no answer":                {&Owner{Host: "far", Job: "7"}, "", "echo 'Unable to contact slurm controller' >&2; exit 1", false},
		"same job":                 {&Owner{Host: "far", Job: "7", Restarts: 1}, "7", "exit 1", false},
		"same job, before restart": {&Owner{Host: "far", Job: "7"}, "7", "exit 1", true},
		"not whole":                {&Owner{}, "", "exit 1", false},
	} {
		t.Run(name, func(t *testing.T) {
			slurmWith(t, c.squeue)
			dir := t.TempDir()
			if c.owner != nil {
				leave(t, dir, "p.1.0", *c.owner)
			}
			mine := me
			mine.Job, mine.Restarts = c.job, 1
			var group sync.WaitGroup
			var mu sync.Mutex
			winners := 0
			for range 10 {
				group.Go(func() {
					got, taken, err := as(dir, mine).Take("p", 1)
					mu.Lock()
					defer mu.Unlock()
					if err != nil {
						t.Error(err)
					} else if taken {
						winners++
					} else if !c.taken && got.Owner != *c.owner {
						t.Errorf("the owner is %v", got.Owner)
					}
				})
			}
			group.Wait()
			if want := map[bool]int{true: 1, false: 0}[c.taken]; winners != want {
				t.Errorf("%d took the claim: want %d", winners, want)
			}
		})
	}
}

// Claims that are given up are free; those of attempts that are over go, whosever they are.
func TestReleaseAndClean(t *testing.T) {
	dir := t.TempDir()
	f := Open(dir)
	c, taken, err := f.Take("p", 1)
	if err != nil || !taken {
		t.Fatal(taken, err)
	}
	if err := c.Release(); err != nil {
		t.Fatal(err)
	}
	if _, taken, err = f.Take("p", 1); err != nil || !taken {
		t.Fatal("after release:", taken, err)
	}
	leave(t, dir, "p.1.1", Owner{Host: "far"})
	leave(t, dir, "p.2.0", Owner{Host: "far"})
	leave(t, dir, "notes", Owner{})
	if err := f.Clean(func(_ string, attempt int) (bool, error) { return attempt == 1, nil }); err != nil {
		t.Fatal(err)
	}
	left, err := f.List()
	if err != nil || len(left) != 1 || left[0].Attempt != 2 || !left[0].Live {
		t.Errorf("%v, %v: want the claim of the second attempt", left, err)
	}
	if none, err := Open(filepath.Join(dir, "none")).List(); err != nil || len(none) > 0 {
		t.Errorf("a folder that is not there: %v, %v", none, err)
	}
}
