package bench

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"syscall"
)

// Child measures the job that it reads, in a process of its own, so that memory is that of one row alone, and writes
// the row.
func Child(in io.Reader, out io.Writer) error {
	var j job
	if err := gob.NewDecoder(in).Decode(&j); err != nil {
		return fmt.Errorf("bench: job: %w", err)
	}
	row, err := measure(&j)
	if err != nil {
		return fmt.Errorf("bench: %s: %w", j.Name, err)
	}
	return json.NewEncoder(out).Encode(row)
}

// measure has a child measure a job, and adds the row.
func (r *runner) measure(j job) (*Row, error) {
	j.Threads = max(j.Threads, 1)
	var in, out, log bytes.Buffer
	if err := gob.NewEncoder(&in).Encode(j); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	cmd := exec.CommandContext(r.ctx, r.o.Executable, "bench-row")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &in, &out, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Run(); err != nil {
		if r.ctx.Err() != nil {
			return nil, r.ctx.Err()
		}
		return nil, fmt.Errorf("bench: %s: %w: %s", j.Name, err, bytes.TrimSpace(log.Bytes()))
	}
	row := &Row{}
	if err := json.Unmarshal(out.Bytes(), row); err != nil {
		return nil, fmt.Errorf("bench: %s: %w", j.Name, err)
	}
	r.report.Rows = append(r.report.Rows, row)
	r.o.Progress(fmt.Sprintf("%s %s %s %s: %.4g ms, %.2f R, %.2f of floor, predicted %.4g ms, %.1f bits, peak %d of %d MiB",
		row.Network, row.Layout, row.Shape, row.Weights, 1e3*row.Seconds, row.R(), row.FloorRatio(), 1e3*row.Predicted, row.Precision,
		row.PeakRSS>>20, row.PredictedBytes>>20), r.done, len(r.steps()))
	return row, nil
}
