package submit

import (
	"fmt"
	"slices"
	"strings"

	"hepex/harness/record"
)

// reasons are the ways in which Slurm ends a task, by its state or by what Slurm writes into its log. The first that
// fits counts: a task that is killed for memory is cancelled, too.
var reasons = []struct {
	states, log []string
	status      record.Status
	kind, says  string
}{
	{[]string{"OUT_OF_MEMORY"}, []string{"exceeded memory limit", "Exceeded job memory limit", "oom-kill", "oom_kill", "out of memory"},
		record.OOM, "memory", "Slurm ended the task, as it used more memory than it had asked for (--mem)"},
	{[]string{"TIMEOUT", "DEADLINE"}, []string{"DUE TO TIME LIMIT"},
		record.Timeout, "timeout", "Slurm ended the task, as it took longer than it had asked for (--time)"},
	{[]string{"PREEMPTED"}, []string{"DUE TO PREEMPTION"},
		record.Failed, "preempted", "Slurm ended the task in favour of another job"},
	{[]string{"NODE_FAIL", "BOOT_FAIL"}, []string{"DUE TO NODE FAILURE"},
		record.Failed, "node", "the node of the task failed"},
	{[]string{"CANCELLED"}, []string{"CANCELLED AT"},
		record.Failed, "cancelled", "the task was cancelled"},
}

// reason says why a task left no record.
func reason(state, log string) (record.Status, *record.Error) {
	for _, r := range reasons {
		said := slices.ContainsFunc(r.log, func(text string) bool { return strings.Contains(log, text) })
		if said || slices.Contains(r.states, state) {
			return r.status, &record.Error{Kind: r.kind, Message: r.says}
		}
	}
	if state == "" {
		state = "unknown"
	}
	return record.Failed, &record.Error{Kind: "process", Message: fmt.Sprintf("the task ended without a record (its state in Slurm: %s); its log is in the record", state)}
}
