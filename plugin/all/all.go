// Package all imports every kind of plugin there is, which registers it.
package all

import (
	_ "pingap/plugin/acceptencoding"     // the codings that a client accepts
	_ "pingap/plugin/compression"        // content made smaller
	_ "pingap/plugin/cors"               // pages of other origins
	_ "pingap/plugin/iprestriction"      // addresses that may pass
	_ "pingap/plugin/mock"               // canned answers
	_ "pingap/plugin/ping"               // health checks
	_ "pingap/plugin/redirect"           // to https, and below prefixes
	_ "pingap/plugin/refererrestriction" // sites whose pages may lead here
	_ "pingap/plugin/requestid"          // ids for requests
	_ "pingap/plugin/responseheaders"    // fields of responses
	_ "pingap/plugin/uarestriction"      // programs that may pass
)
