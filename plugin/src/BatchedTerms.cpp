#include "genmd/BatchedTerms.h"
#include "BatchedTermCollector.h"

using namespace OpenMM;
using namespace std;

BatchedTerms::BatchedTerms(const System& system, const vector<int>& particles) : particles(particles) {
    BatchedTermCollector(system, *this).collect();
}
