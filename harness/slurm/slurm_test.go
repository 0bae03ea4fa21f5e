package slurm

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// commands puts programs on the path, by name and shell script.
func commands(t *testing.T, scripts map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
}

func TestScript(t *testing.T) {
	s := Script{
		Name: "hepex-x", Output: "/a b/%a.log", Tasks: 8, MaxRunning: 2, Partition: "cpu", CPUs: 2, Memory: 1<<30 + 1, Time: 61 * time.Second,
		Exclusive: true, Options: []string{"--comment=it's \"a\" test", "-A", "me"}, Variables: []string{"V=it's"}, Command: []string{"/a b/hepex", "task"},
	}
	want := `#!/bin/sh
#SBATCH --job-name=hepex-x
#SBATCH --output="/a b/%a.log"
#SBATCH --open-mode=append
#SBATCH --array=0-7%2
#SBATCH --partition=cpu
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=2
#SBATCH --mem=1025M
#SBATCH --time=2
#SBATCH --exclusive
#SBATCH "--comment=it's \"a\" test" -A me

# All that Slurm gives: it does not always keep a job from using more.
export GOMAXPROCS="$SLURM_CPUS_ON_NODE"
export V='it'\''s'
exec '/a b/hepex' 'task' "$SLURM_ARRAY_TASK_ID"
`
	if d := cmp.Diff(want, s.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	check := exec.Command("sh", "-n")
	check.Stdin = strings.NewReader(s.String())
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("the shell refuses it: %v: %s", err, out)
	}
}

func TestWhatSlurmSays(t *testing.T) {
	commands(t, map[string]string{
		"sbatch": `echo "12;cluster"`,
		"squeue": `printf '12|3|PENDING|/a b|c/tasks.sh\n14|0|RUNNING|/a b|c/tasks.sh\n12|N/A|RUNNING|/a b|c/tasks.sh\n12|5|PENDING|/other/tasks.sh\n'`,
		"scontrol": `case "$*" in
"show config") printf 'MaxArraySize            = 10001\nMaxJobCount = 5\n';;
*) printf 'JobId=1 ArrayJobId=1 ArrayTaskId=3-5%%2 JobName=x JobState=PENDING\nJobId=5 ArrayJobId=1 ArrayTaskId=2 JobName=a b JobState=TIMEOUT Reason=x\n';;
esac`,
	})
	if job, err := Submit("x"); err != nil || job != "12" {
		t.Errorf("job %q, %v", job, err)
	}
	tasks, known := Queued("12", "/a b|c/tasks.sh")
	if d := cmp.Diff(map[int]bool{0: true, 3: true}, tasks); d != "" || !known {
		t.Errorf("known %v (-want +got):\n%s", known, d)
	}
	if d := cmp.Diff(map[int]string{2: "TIMEOUT"}, States("1")); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if n, err := MaxArraySize(); err != nil || n != 10001 {
		t.Errorf("array size %d, %v", n, err)
	}
}

func TestWithoutSlurm(t *testing.T) {
	commands(t, nil)
	if _, err := Submit("x"); err == nil || !strings.Contains(err.Error(), "no program sbatch") {
		t.Errorf("%v", err)
	}
	if _, known := Alive([]string{"1"}); known {
		t.Error("jobs are known")
	}
	if s := States("1"); len(s) > 0 {
		t.Errorf("states %v", s)
	}
	commands(t, map[string]string{"sbatch": "echo 'error: invalid partition' >&2; exit 1"})
	if _, err := Submit("x"); err == nil || !strings.Contains(err.Error(), "invalid partition") {
		t.Errorf("%v", err)
	}
}
