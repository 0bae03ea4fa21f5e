package report

import (
	"fmt"
	"strings"

	"hepex/harness/record"
	"hepex/harness/verify"
)

// section is one experiment of the page.
type section struct {
	ID, Name string
	Shared   string // parameters and values of all points
	Claims   *claims
	Outcome  string
	Failures []failure
	Warnings []warning
	Figures  []figure
	Table    table
	Machines []machine
	Config   string
	File     string
	Commit   string
	Commands []string
}

// claims is the published numbers of an experiment beside ours.
type claims struct {
	Experiment string
	Header     []string
	Rows       []claim
	Notes      []string
	Insecure   bool
	report     verify.Report
}

// claim is a published number, or one group of points below it.
type claim struct {
	Cells []claimCell
	Class string
}

type claimCell struct{ Text, Class string }

// failure is a point without a result.
type failure struct{ Row, Point, What, Status, Reason string }

// warning is what some points warn of, with some of these.
type warning struct {
	Text string
	Rows []row
	More int
}

// machine is where some points were measured.
type machine struct{ Points, Text string }

func newSection(id string, e Experiment) *section {
	s := &section{ID: id, Name: e.Name}
	named := newNames(e.Records)
	s.Shared = strings.Join(named.shared, ", ")
	s.Table = newTable(id, e, named)
	s.Claims = newClaims(e)
	s.Outcome = outcome(e)
	s.findProblems(e, named)
	s.Figures = newFigures(id, e, named)
	s.Machines = machines(e.Records)
	s.addConfig(e)
	return s
}

func newClaims(e Experiment) *claims {
	if e.Config == nil || len(e.Config.Expect) == 0 {
		return nil
	}
	report := verify.Evaluate(e.Config.Expect, e.Records)
	c := &claims{Experiment: e.Name, Header: verify.Header, Notes: report.Notes(), Insecure: report.Insecure, report: report}
	for _, texts := range report.Rows() {
		row := claim{Class: "claim"}
		if texts[0] == "" {
			row.Class = "part"
		}
		for i, text := range texts {
			class := ""
			if verify.Header[i] == "verdict" {
				verdict, _, _ := strings.Cut(text, " (") // in part
				class = verdicts[verify.Verdict(verdict)]
			}
			row.Cells = append(row.Cells, claimCell{unbroken.Replace(text), class})
		}
		c.Rows = append(c.Rows, row)
	}
	return c
}

// verdicts are the classes in which verdicts are shown.
var verdicts = map[verify.Verdict]string{verify.Reproduced: "good", verify.Better: "good", verify.Met: "good", verify.Missed: "bad"}

// unbroken keeps a number, its spread and its unit on one line.
var unbroken = strings.NewReplacer(" %", "\u00a0%", " ± ", "\u00a0±\u00a0", " ms", "\u00a0ms", " bits", "\u00a0bits")

// outcome says how many points have a result.
func outcome(e Experiment) string {
	if len(e.Records) == 0 {
		return "No point has a record."
	}
	warned := countIf(e.Records, warns)
	text := fmt.Sprintf("%d of %s with a record have a result", len(e.Records)-countIf(e.Records, failed), count(len(e.Records), "point"))
	if missing := e.planned() - len(e.Records); missing > 0 {
		text += fmt.Sprintf("; %d more are planned and have no record", missing)
	}
	if warned == 0 {
		return text + "; none of them has a warning."
	}
	return text + fmt.Sprintf("; %d have warnings.", warned)
}

func failed(r *record.Record) bool { return r.Status != record.OK }

func warns(r *record.Record) bool { return len(r.Warnings) > 0 }

// mostRows is how many points a warning names.
const mostRows = 4

func (s *section) findProblems(e Experiment, named names) {
	for _, text := range e.Warnings {
		s.Warnings = append(s.Warnings, warning{Text: text})
	}
	rows := map[*record.Record]row{}
	var found tally
	for i, r := range e.Records {
		rows[r] = s.Table.Rows[i]
		if failed(r) {
			s.Failures = append(s.Failures, failure{rows[r].ID, r.Point, named.describe(r), string(r.Status), r.Reason()})
		}
		for _, text := range r.Warnings {
			found.add(text, r)
		}
	}
	for _, text := range found.byCount() {
		w := warning{Text: fmt.Sprintf("%s: %s", count(len(found.of[text]), "point"), record.Explained(text))}
		for _, r := range found.of[text][:min(mostRows, len(found.of[text]))] {
			w.Rows = append(w.Rows, rows[r])
		}
		w.More = len(found.of[text]) - len(w.Rows)
		s.Warnings = append(s.Warnings, w)
	}
}

// machines lists the different machines and builds.
func machines(records record.Set) []machine {
	var found tally
	for _, r := range records {
		found.add(environment(r.Environment), r)
	}
	var all []machine
	for _, text := range found.byCount() {
		all = append(all, machine{count(len(found.of[text]), "point"), text})
	}
	return all
}

func environment(e record.Environment) string {
	memory := record.Metric{Unit: record.Bytes}.Format(float64(e.RAMBytes))
	commit := e.Commit
	if e.Dirty {
		commit += " with changes"
	}
	words := []string{e.CPU, count(e.Cores, "core"), memory, e.Kernel, e.Go, "hepex " + commit, "host " + e.Host}
	if e.Kernels != "" {
		words = append(words, "kernels "+e.Kernels)
	}
	if v := e.Modules["github.com/tuneinsight/lattigo/v5"]; v != "" {
		words = append(words, "lattigo "+v)
	}
	if e.BLAS != "" {
		words = append(words, e.BLAS+" BLAS")
	}
	return strings.Join(words, ", ") + "."
}

// addConfig says how to run the experiment again.
func (s *section) addConfig(e Experiment) {
	if e.Config == nil {
		return
	}
	s.Config, s.File, s.Commit = string(e.Config.Frozen), e.Name+".yaml", onlyCommit(e.Records)
	const hepex = "go run ./experiments/hepex "
	s.Commands = []string{hepex + "data list     # which data sets are there, and how to get the others", hepex + "run " + s.File}
	if len(e.Config.Expect) > 0 {
		s.Commands = append(s.Commands, hepex+"verify "+s.File)
	}
	s.Commands = append(s.Commands, hepex+"report results/"+e.Name)
}

// onlyCommit is the commit that all records name, if none of them had changes.
func onlyCommit(records record.Set) string {
	commit := ""
	for i, r := range records {
		if r.Environment.Dirty || i > 0 && r.Environment.Commit != commit {
			return ""
		}
		commit = r.Environment.Commit
	}
	if commit == "unknown" {
		return ""
	}
	return commit
}
