module github.com/imhook/imhook/dialect/openim/structs

go 1.26.0

require (
	github.com/imhook/imhook v0.0.0
	github.com/openimsdk/open-im-server/v3 v3.8.3
	github.com/openimsdk/tools v0.0.50-alpha.63
)

require (
	github.com/agext/levenshtein v1.2.3 // indirect
	github.com/go-json-experiment/json v0.0.0-20260820222146-c27c302e5fc3 // indirect
	github.com/openimsdk/protocol v0.0.72-alpha.70 // indirect
	golang.org/x/time v0.16.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

replace github.com/imhook/imhook => ../../..
