package submit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"hepex/harness/atomicfile"
	"hepex/harness/config"
	"hepex/harness/run"
	"hepex/harness/slurm"
	"hepex/harness/trial"
)

// Names in an experiment's folder, and in that of a submission.
const (
	folderName  = "slurm"
	jobsName    = "jobs"
	logsName    = "logs"
	stateName   = "submission.json"
	programName = "hepex"

	tasksScript   = "tasks.sh"
	collectScript = "collect.sh"
)

// task is what a task of the array does: one point, or those of a family that take turns.
type task struct {
	Limits config.Limits `json:"limits"`
	Config string        `json:"config_sha256"`
	Points []point       `json:"points"`
}

// point is an attempt at a point as its task reads it.
type point struct {
	Attempt int       `json:"attempt"`
	Job     trial.Job `json:"job"`
}

// state says how far a submission is.
type state struct {
	Array     string `json:"array_job"`
	Collected bool   `json:"collected"`
}

func taskPath(folder string, i int) string {
	return filepath.Join(folder, jobsName, strconv.Itoa(i)+".json")
}

// endedPath is there once a task has ended by itself.
func endedPath(folder string, i int) string {
	return filepath.Join(folder, jobsName, strconv.Itoa(i)+".ended.json")
}

func logPath(folder string, i int) string {
	return filepath.Join(folder, logsName, strconv.Itoa(i)+".log")
}

// experimentDir is the folder of the experiment that a submission belongs to.
func experimentDir(folder string) string { return filepath.Dir(filepath.Dir(folder)) }

// write writes all but the scripts.
func (p *Prepared) write() error {
	err := os.MkdirAll(filepath.Dir(p.Folder), 0o755)
	if err == nil {
		err = os.Mkdir(p.Folder, 0o755) // so that it is nobody else's
	}
	if err == nil {
		err = os.Mkdir(filepath.Join(p.Folder, logsName), 0o755)
	}
	if err != nil {
		return fmt.Errorf("submit: %w; choose another folder with --out", err)
	}
	dirs := make([]string, len(p.options.Run.DataDirs))
	for i, dir := range p.options.Run.DataDirs {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return fmt.Errorf("submit: %w", err)
		}
		dirs[i] = abs
	}
	hash, err := run.Freeze(p.config, p.plan, p.options.Run)
	if err != nil {
		return err
	}
	for i, attempts := range p.Groups {
		t := task{Limits: p.config.Limits, Config: hash}
		for _, a := range attempts {
			t.Points = append(t.Points, point{a.Number, trial.Job{
				Experiment: p.config.Name, Point: a.ID, Label: a.Label, Spec: a.Spec, Params: a.Params,
				DataDirs: dirs, CacheDir: p.options.Run.CacheDir,
			}})
		}
		if err := writeJSON(taskPath(p.Folder, i), t); err != nil {
			return err
		}
	}
	return copyProgram(p.options.Run.Executable, filepath.Join(p.Folder, programName))
}

// copyProgram keeps the program for the tasks: `go run` removes its own when it ends, and nodes do not see it.
func copyProgram(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("submit: %w", err)
	}
	defer in.Close()
	err = atomicfile.WriteWith(to, func(w io.Writer) error {
		_, err := io.Copy(w, in)
		return err
	})
	if err == nil {
		err = os.Chmod(to, 0o755)
	}
	if err != nil {
		return fmt.Errorf("submit: the copy of the program: %w", err)
	}
	return nil
}

func writeState(folder string, s state) error { return writeJSON(filepath.Join(folder, stateName), s) }

func writeJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		err = atomicfile.Write(path, append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("submit: %w", err)
	}
	return nil
}

func readJSON(path string, v any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("submit: %w", err)
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("submit: %s: %w", path, err)
	}
	return nil
}

// tasks reads the tasks of a submission.
func tasks(folder string) ([]task, error) {
	var all []task
	for i := 0; ; i++ {
		var t task
		err := readJSON(taskPath(folder, i), &t)
		if errors.Is(err, fs.ErrNotExist) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
}

// Queued gives the points of an experiment whose tasks wait or run, as far as Slurm tells.
func Queued(dir string) (map[string]bool, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("submit: %w", err)
	}
	entries, err := os.ReadDir(filepath.Join(dir, folderName))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("submit: %w", err)
	}
	points := map[string]bool{}
	for _, e := range entries {
		folder := filepath.Join(dir, folderName, e.Name())
		var s state
		if err := readJSON(filepath.Join(folder, stateName), &s); errors.Is(err, fs.ErrNotExist) {
			continue // nothing was submitted
		} else if err != nil {
			return nil, err
		}
		if s.Collected {
			continue
		}
		waiting, _ := slurm.Queued(s.Array, filepath.Join(folder, tasksScript))
		for i := range waiting {
			var t task
			if err := readJSON(taskPath(folder, i), &t); err != nil {
				return nil, err
			}
			for _, p := range t.Points {
				points[p.Job.Point] = true
			}
		}
	}
	return points, nil
}
