package run

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"hepex/harness/config"
	"hepex/harness/record"
	"hepex/harness/trial"
)

func TestJudge(t *testing.T) {
	r := &runner{limits: config.Limits{Timeout: time.Minute, Memory: 1 << 30}}
	result := &trial.Result{}
	died := errors.New("exit status 2")
	for name, c := range map[string]struct {
		end         event
		exit, cause error
		starved     bool
		log         string
		status      record.Status
		kind        string
	}{
		"result":                    {event{Result: result}, nil, nil, false, "", record.OK, ""},
		"failure":                   {event{Result: result, Failure: &record.Error{Kind: "precision"}}, nil, nil, false, "", record.Failed, "precision"},
		"refused":                   {event{Failure: &record.Error{Kind: "parameters"}}, nil, nil, false, "", record.Refused, "parameters"},
		"timeout":                   {event{}, died, context.DeadlineExceeded, false, "last words", record.Timeout, "timeout"},
		"memory limit":              {event{}, died, errMemory, false, "last words", record.OOM, "memory"},
		"no memory":                 {event{}, died, nil, false, "fatal error: runtime: out of memory", record.OOM, "memory"},
		"panic":                     {event{}, died, nil, false, "panic: oh\n\ngoroutine 1", record.Failed, "panic"},
		"killed":                    {event{}, errors.New("signal: killed"), nil, false, "", record.Failed, "process"},
		"killed by the kernel":      {event{}, errors.New("signal: killed"), nil, true, "", record.OOM, "memory"},
		"ended without a result":    {event{}, nil, nil, false, "", record.Failed, "process"},
		"died after its result":     {event{Result: result}, died, nil, false, "", record.Failed, "process"},
		"timeout with the result":   {event{Result: result}, died, context.DeadlineExceeded, false, "", record.Timeout, "timeout"},
		"panic printed in a result": {event{Result: result}, nil, nil, false, "panic: no", record.OK, ""},
	} {
		out := r.judge(c.end, c.exit, c.cause, c.starved, c.log)
		kind := ""
		if out.failure != nil {
			kind = out.failure.Kind
			if out.failure.Log != c.log {
				t.Errorf("%s: log %q", name, out.failure.Log)
			}
		}
		if out.status != c.status || kind != c.kind {
			t.Errorf("%s: status %s, kind %q; want %s, %q", name, out.status, kind, c.status, c.kind)
		}
	}
}

func TestChildRefusesGarbage(t *testing.T) {
	var out strings.Builder
	if err := Child(stageMeasure, strings.NewReader("{"), &out); err == nil {
		t.Error("half a job: no error")
	}
	if err := Child("fly", strings.NewReader("{}"), &out); err == nil {
		t.Error("unknown stage: no error")
	}
}

// A network that cannot be trained is a failure without a result.
func TestChildThatCannotPrepare(t *testing.T) {
	c, err := config.Parse("f.yaml", []byte(strings.NewReplacer("[64]", "[16, 16, 16, 16, 16, 16, 16, 16]", "data: {name: digits}",
		"data: {name: digits, train: 100, test: 20}\ntrain: {epochs: 1, batch: 64, lr: 1}\nmeasure: {encrypted: false}").Replace(frozenConfig)))
	if err != nil {
		t.Fatal(err)
	}
	job, err := json.Marshal(trial.Job{Point: "a", Spec: c.Points[0].Spec, CacheDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := Child(stagePrepare, strings.NewReader(string(job)), &out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var end event
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &end); err != nil || end.Result != nil || end.Failure == nil || end.Failure.Kind != trial.KindNaN {
		t.Errorf("%v, %s", err, lines[len(lines)-1])
	}
}

// JSON has no NaN: a result with one is a failure.
func TestResultIsFinite(t *testing.T) {
	for name, v := range map[string]float64{"not a number": math.NaN(), "infinite": math.Inf(1)} {
		var out strings.Builder
		end := event{Result: &trial.Result{Record: record.Record{Quality: &record.Quality{Plain: v}}}}
		if err := sendLast(json.NewEncoder(&out), end); err != nil {
			t.Fatal(err)
		}
		var got event
		if err := json.Unmarshal([]byte(out.String()), &got); err != nil || got.Result != nil || got.Failure == nil || got.Failure.Kind != trial.KindNaN {
			t.Errorf("%s: %v, %s", name, err, out.String())
		}
	}
}
