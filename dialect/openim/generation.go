package openim

// The generations of the wire that can be written. Each names the first version
// of the server that speaks it.
const (
	v20 = "v2.0" // command in the body; stops when actionCode is 1 and errCode is 0
	v21 = "v2.1" // the same; stops when actionCode is not 0
	v30 = "v3.0" // command in the query; stops when actionCode or errCode is not 0
	v35 = "v3.5" // from v3.4.2 on: command in the path; stops when actionCode is not 0 or nextCode is 1
	v37 = "v3.7" // the same; stops when actionCode is 0 and nextCode is 1
)

// generations are all, the newest first.
func generations() []string { return []string{v37, v35, v30, v21, v20} }

// written is the generation to write for a target's word: "" and "auto" are the
// newest.
func written(generation string) string {
	switch generation {
	case v20, v21, v30, v35:
		return generation
	}
	return v37
}

// second reports whether the generation is one of v2, which has few commands and
// plain text in content.
func second(generation string) bool { return generation == v20 || generation == v21 }
