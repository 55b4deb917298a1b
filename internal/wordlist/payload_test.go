package wordlist

import "testing"

func TestAgain_ChangesTheTextAloneInAPayload(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ payload, want string }{
		"as it is":      {`say "bad"`, `say "***"`},
		"in json":       {`{ "text" : "say \"bad\"", "id":1.50 , "quote":{"text":"say \u0022bad\u0022"} }`, `{ "text" : "say \"***\"", "id":1.50 , "quote":{"text":"say \"***\""} }`},
		"in a list":     {`["say \"bad\"","bad"]`, `["say \"***\"","bad"]`},
		"a name":        {`{"say \"bad\"":"x"}`, `{"say \"bad\"":"x"}`},
		"twice a name":  {`{"a":1,"a":"say \"bad\""}`, `{"a":1,"a":"say \"***\""}`},
		"other":         {`{"text":"fine"}`, `{"text":"fine"}`},
		"cut off":       {`{"text":"say \"bad\"","x":`, `{"text":"say \"***\"","x":`},
		"no json":       {`fine`, `fine`},
		"nothing":       {``, ``},
		"text, no json": {`x"say \"bad\""`, `x"say \"bad\""`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := again(tt.payload, `say "bad"`, `say "***"`); got != tt.want {
				t.Errorf("%s became\n%s, want\n%s", tt.payload, got, tt.want)
			}
		})
	}
}
