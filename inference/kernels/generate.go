package kernels

//go:generate go run ./gen -out kernels_amd64.s -stubs stubs_amd64.go -pkg kernels
