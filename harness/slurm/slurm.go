// Package slurm speaks to Slurm through its commands: it writes batch scripts, submits them and asks how jobs are. It
// knows nothing of experiments.
//
// What is asked works without accounting: squeue for jobs that are not over, scontrol for those that ended not long ago.
package slurm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// patience is how long a command of Slurm may take.
const patience = time.Minute

// command runs a command of Slurm and gives what it prints. The error says what it complained about.
func command(name string, args ...string) (string, error) {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return "", fmt.Errorf("slurm: no program %s: run this where Slurm is installed", name)
	}
	if err != nil {
		return "", fmt.Errorf("slurm: %s: %w: %s", name, err, strings.Join(strings.Fields(stderr.String()), " "))
	}
	return string(out), nil
}

// Submit queues a batch script and gives the number of its job.
func Submit(path string) (job string, err error) {
	out, err := command("sbatch", "--parsable", path)
	if err != nil {
		return "", err
	}
	job, _, _ = strings.Cut(strings.TrimSpace(out), ";") // the name of the cluster may follow
	if _, err := strconv.Atoi(job); err != nil {
		return "", fmt.Errorf("slurm: sbatch printed %q: want the number of a job", out)
	}
	return job, nil
}

// Cancel ends a job that is not over.
func Cancel(job string) error {
	_, err := command("scancel", job)
	return err
}

// CancelWaiting ends those tasks of an array that have not begun.
func CancelWaiting(array string) error {
	_, err := command("scancel", "--state=PENDING", array)
	return err
}

// Alive tells which of some jobs, by their own numbers, not those of their arrays, have begun and are not over. Known is
// false if Slurm does not answer.
func Alive(jobs []string) (alive map[string]bool, known bool) {
	alive = map[string]bool{}
	lines, known := queue(jobs)
	for _, l := range lines {
		alive[l.job] = l.state != "PENDING" // a job that was queued again after it had begun has no process
	}
	return alive, known
}

// Queued gives the tasks of an array that are not over; script is what it was submitted with, as Slurm can give the number of
// a job to another later. Known is false if Slurm does not answer.
func Queued(array, script string) (tasks map[int]bool, known bool) {
	tasks = map[int]bool{}
	lines, known := queue([]string{array})
	for _, l := range lines {
		if i, err := strconv.Atoi(l.task); err == nil && l.script == script {
			tasks[i] = true
		}
	}
	return tasks, known
}

// queued is a job in the queue.
type queued struct{ job, task, state, script string }

func queue(jobs []string) (lines []queued, known bool) {
	out, err := command("squeue", "--noheader", "--array", "--jobs="+strings.Join(jobs, ","), "--format=%A|%K|%T|%o")
	if err != nil {
		return nil, strings.Contains(err.Error(), "Invalid job id") // over so long ago that Slurm has forgotten it
	}
	for line := range strings.Lines(out) {
		if f := strings.SplitN(strings.TrimSpace(line), "|", 4); len(f) == 4 {
			lines = append(lines, queued{f[0], f[1], f[2], f[3]})
		}
	}
	return lines, true
}

// States gives the state of each task of an array, as in COMPLETED, TIMEOUT or OUT_OF_MEMORY, as far as Slurm still knows it.
func States(array string) map[int]string {
	out, err := command("scontrol", "--oneliner", "show", "job", array)
	if err != nil {
		return nil
	}
	return parseStates(out)
}

func parseStates(text string) map[int]string {
	states := map[int]string{}
	for line := range strings.Lines(text) {
		task, state := -1, ""
		for _, field := range strings.Fields(line) {
			name, value, _ := strings.Cut(field, "=")
			switch name {
			case "ArrayTaskId":
				if i, err := strconv.Atoi(value); err == nil {
					task = i
				}
			case "JobState":
				state = value
			}
		}
		if task >= 0 && state != "" {
			states[task] = state
		}
	}
	return states
}

// defaultArraySize is Slurm's own where it does not tell.
const defaultArraySize = 1001

// MaxArraySize is the number that the tasks of an array must stay under.
func MaxArraySize() (int, error) {
	out, err := command("scontrol", "show", "config")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(out) {
		name, value, _ := strings.Cut(line, "=")
		if n, err := strconv.Atoi(strings.TrimSpace(value)); err == nil && strings.TrimSpace(name) == "MaxArraySize" {
			return n, nil
		}
	}
	return defaultArraySize, nil
}

// Here is the job that this process runs in: its own number, and how often it was queued again. The number is empty outside of
// Slurm.
func Here() (job string, restarts int) {
	restarts, _ = strconv.Atoi(os.Getenv("SLURM_RESTART_COUNT"))
	return os.Getenv("SLURM_JOB_ID"), restarts
}

// Memory is what Slurm gives this job on its node, in bytes; 0 if it does not say.
func Memory() int64 {
	number := func(name string) int64 {
		n, err := strconv.ParseInt(os.Getenv(name), 10, 64)
		if err != nil {
			return 0
		}
		return n
	}
	return max(number("SLURM_MEM_PER_NODE"), number("SLURM_MEM_PER_CPU")*number("SLURM_CPUS_ON_NODE")) << 20
}

// HereArray is the number of the array that this process runs a task of, empty outside of one.
func HereArray() string { return os.Getenv("SLURM_ARRAY_JOB_ID") }
