package slurm

import (
	"fmt"
	"strings"
	"time"
)

// Script is a batch script that becomes one program.
type Script struct {
	Name       string
	Output     string // file; %a is the number of the task
	Tasks      int    // of an array, numbered from 0; 0 is no array
	MaxRunning int    // tasks at the same time; 0 is no limit
	After      string // job that has to be over, however it ended
	Partition  string
	CPUs       int
	Memory     int64 // bytes; 0 leaves it to Slurm
	Time       time.Duration
	Exclusive  bool
	Options    []string // more options of sbatch
	Variables  []string // of the environment, as in NAME=value
	Command    []string
}

// String is the text of the script. The program replaces the shell, so that signals reach it and its end is that of the task.
func (s Script) String() string {
	var b strings.Builder
	b.WriteString("#!/bin/sh\n")
	option := func(format string, args ...any) { fmt.Fprintf(&b, "#SBATCH "+format+"\n", args...) }
	option("--job-name=%s", s.Name)
	option("--output=%s", quoteOption(s.Output))
	option("--open-mode=append")
	if s.Tasks > 0 {
		limit := ""
		if s.MaxRunning > 0 {
			limit = fmt.Sprintf("%%%d", s.MaxRunning)
		}
		option("--array=0-%d%s", s.Tasks-1, limit)
	}
	if s.After != "" {
		option("--dependency=afterany:%s", s.After)
	}
	if s.Partition != "" {
		option("--partition=%s", quoteOption(s.Partition))
	}
	option("--nodes=1")
	option("--ntasks=1")
	option("--cpus-per-task=%d", s.CPUs)
	if s.Memory > 0 {
		option("--mem=%dM", (s.Memory+1<<20-1)>>20)
	}
	option("--time=%d", max(1, int((s.Time+time.Minute-1)/time.Minute)))
	if s.Exclusive {
		option("--exclusive")
	}
	if len(s.Options) > 0 {
		quoted := make([]string, len(s.Options))
		for i, o := range s.Options {
			quoted[i] = quoteOption(o)
		}
		option("%s", strings.Join(quoted, " "))
	}
	b.WriteString("\n# All that Slurm gives: it does not always keep a job from using more.\nexport GOMAXPROCS=\"$SLURM_CPUS_ON_NODE\"\n")
	for _, v := range s.Variables {
		name, value, _ := strings.Cut(v, "=")
		fmt.Fprintf(&b, "export %s=%s\n", name, quoteShell(value))
	}
	words := make([]string, len(s.Command))
	for i, w := range s.Command {
		words[i] = quoteShell(w)
	}
	if s.Tasks > 0 {
		words = append(words, `"$SLURM_ARRAY_TASK_ID"`)
	}
	fmt.Fprintf(&b, "exec %s\n", strings.Join(words, " "))
	return b.String()
}

// quoteOption quotes a value for a line that sbatch reads.
func quoteOption(s string) string {
	if !strings.ContainsAny(s, " \t\"'\\#") {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func quoteShell(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
