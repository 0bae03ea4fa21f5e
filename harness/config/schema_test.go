package config

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

var compiled = sync.OnceValues(func() (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("schema.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("schema.json")
})

// againstSchema validates a config as an editor does. What is not YAML is an error, too.
func againstSchema(t testing.TB, src string) error {
	t.Helper()
	s, err := compiled()
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := yaml.Unmarshal([]byte(src), &value); err != nil {
		return err
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(instance)
}

const configs = "../../configs"

// The schema that lies beside the configs is that of this version.
func TestSchemaIsFresh(t *testing.T) {
	path := filepath.Join(configs, "schema.json")
	if *update {
		if err := os.WriteFile(path, Schema(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(kept), string(Schema())); diff != "" {
		t.Errorf("go test ./harness/config -update writes it again (-kept +now):\n%s", diff)
	}
}

func TestShippedConfigsFitTheSchema(t *testing.T) {
	checked := 0
	err := filepath.WalkDir(configs, func(path string, _ os.DirEntry, err error) error {
		if filepath.Ext(path) != ".yaml" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := againstSchema(t, string(text)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		up, err := filepath.Rel(filepath.Dir(path), filepath.Join(configs, "schema.json"))
		if want := "# yaml-language-server: $schema=" + up + "\n"; err != nil || !strings.HasPrefix(string(text), want) {
			t.Errorf("%s: the first line does not lead an editor to the schema: want %s", path, want)
		}
		checked++
		return nil
	})
	if err != nil || checked < 4 {
		t.Errorf("%d configs, %v", checked, err)
	}
}

// What an editor can know, the schema refuses. That it accepts what is good is checked with every good config of these tests.
func TestSchemaRefuses(t *testing.T) {
	seen := map[string]bool{
		"a list": false, "unknown top-level key": false, "misspelt key": false, "wrong version": false, "name with a slash": false,
		"section is a scalar": false, "empty section": false, "unknown data set": false, "too many samples": false, "validation of one half": false,
		"nine hidden layers": false, "hidden not a list": false, "bad hidden element": false, "yes is not true": false, "quoted number": false,
		"fraction for a whole number": false, "learning rate of 0": false, "unknown scheme": false, "ratio of 1": false, "negative ratio": false,
		"tile ratio of 0": false, "tile of two numbers": false, "tile without a part": false, "tile with an unknown part": false,
		"prime too small": false, "limits": false, "figures": false, "figures of neither or both": false, "axes of figures": false, "looks of figures": false, "figures not a list": false, "tables": false, "expectations": false,
		"conditions": false, "what is compared and repeated": false, "empty sweep": false, "unknown sweep key": false, "unknown path": false,
		"path that does not decide": false, "grid without list": false, "empty grid": false, "bad value among good": false, "bad section in a sweep": false,
		"hidden swept without lists of lists": false, "zip not a list": false, "range without step": false, "range with a slip": false, "range of names": false,
		"empty exclusion": false, "exclusion of a bad value": false, "bad case": false, "when of the wrong form": false, "parts of when": false,
		"conditions of when": false, "base that is a text": false, "no base": false, "too many bases": false, "a curve unknown": false,
	}
	for _, c := range badCases(t) {
		name := strings.TrimSuffix(c.name, " (whole file)")
		if _, wanted := seen[name]; !wanted {
			continue
		}
		seen[name] = true
		if againstSchema(t, c.files()["f"]) == nil {
			t.Errorf("accepted: %s", c.name)
		}
	}
	for name, ok := range seen {
		if !ok {
			t.Errorf("testdata/bad.txt has no case %q", name)
		}
	}
}
