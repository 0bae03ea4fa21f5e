package datasets

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestListNamesAllSets(t *testing.T) {
	infos, err := List([]string{t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	where := map[string]string{"digits": "built in", "shapes": "built in", "mnist": "missing", "fashion-mnist": "missing", "cifar-10": "missing"}
	if len(infos) != len(where) {
		t.Fatalf("%d sets, want %d", len(infos), len(where))
	}
	for _, info := range infos {
		if info.Where != where[info.Name] {
			t.Errorf("%s: %q, want %q", info.Name, info.Where, where[info.Name])
		}
		form, err := FormOf(info.Name)
		if err != nil || info.Form != form || info.Origin == "" || info.Train < 50000 || info.Test != 10000 || info.Classes != 10 {
			t.Errorf("%+v, form %+v (%v)", info, form, err)
		}
		if missing := info.Where == "missing"; missing != (info.Bytes > 0) {
			t.Errorf("%s is %s and has %d bytes", info.Name, info.Where, info.Bytes)
		}
	}
}

func TestDescribeAndVerifyAFolder(t *testing.T) {
	e, contents := tiny(t)
	dir := t.TempDir()
	wrong := e.files[2].name
	contents[wrong] = bytes.Clone(contents[wrong])
	contents[wrong][20] ^= 1
	store(t, dir, contents)

	info, err := e.describe([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	size := int64(0)
	for _, data := range contents {
		size += int64(len(data))
	}
	if info.Where != filepath.Join(dir, "tiny") || info.Bytes != size {
		t.Errorf("%s, %d bytes; want %s, %d", info.Where, info.Bytes, dir, size)
	}

	source, err := e.open([]string{dir})
	if err != nil {
		t.Fatal(err)
	}
	for i, check := range source.verify() {
		if bad := filepath.Base(check.File) == wrong; bad != (check.Err != nil) {
			t.Errorf("file %d, %s: %v", i, check.File, check.Err)
		}
	}
	if err := os.Remove(source.paths[0]); err != nil {
		t.Fatal(err)
	}
	if check := source.verify()[0]; check.Err == nil {
		t.Error("a file that has gone passes")
	}
}

func TestVerifyDrawnSets(t *testing.T) {
	for _, name := range []string{"digits", "shapes"} {
		checks, err := Verify(name, nil)
		if err != nil || len(checks) != 1 || checks[0].Err != nil || checks[0].File != name {
			t.Errorf("%v, %v", checks, err)
		}
	}
	d := digits()
	d.pinned = "00"
	if checks := d.verify(nil); good(checks) {
		t.Error("other images than the pinned ones pass")
	}
}
