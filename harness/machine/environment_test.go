package machine

import (
	"testing"

	"hepex/inference"
)

func TestEnvironment(t *testing.T) {
	e := Environment()
	if e.Go == "" || e.Cores < 1 || e.Commit == "" || e.Kernels != inference.Kernels() {
		t.Errorf("environment %+v", e)
	}
}
