// Package house holds the rules that all code here keeps, as tests: who may
// import whom, what must have a comment, what must not be written. A rule that
// fails says where, and what would be right.
//
// It has no code of its own. The rules read the source of the whole module,
// whatever platform or build tag it is for.
package house
