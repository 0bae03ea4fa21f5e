// Package serve runs a packed network as client and server in processes of their own, with files between them.
//
//	file            whose                      what
//	network.hepex   the network's owner's      weights, layout and parameters
//	public.hepex    everybody's                the network without its weights: layout, parameters, range of inputs
//	secret.hepex    the client's, never sent   the secret key
//	keys.hepex      the server's               evaluation keys
//	model.hepex     the server's               the packed network: encoded, or encrypted under the client's key
//	samples         the client's               samples, read from text
//	inputs, outputs                            samples, encrypted, by batch, and what came of them
//
// A client's folder has public.hepex and secret.hepex, a server's public.hepex, keys.hepex and model.hepex. With plain weights the network is
// the server's; with encrypted ones it is the client's, who sends it encrypted.
//
// # Files
//
// A file is a line of JSON, which says what it holds (see header), the content, and the SHA-256 of both. The line names the network, by
// the hash of its weights and parameters, and the set of keys, by a random number: files that do not belong together are refused, and so
// are damaged ones. That is against mistakes. Somebody who wants to deceive can write a file that looks right; then the server's memory is
// safe, as nothing takes more of it than layout and parameters allow, and what it computes is theirs.
//
// Results appear whole or not at all.
package serve
