#include "ImportanceWeights.h"
#include <algorithm>
#include <cmath>
#include <limits>

using namespace OpenMM;
using namespace std;

static double getLogWeight(double energy, double kT, double logDensity) {
    double logWeight = -energy / kT - logDensity;
    bool valid = isfinite(energy) && isfinite(logDensity) && isfinite(logWeight);
    return valid ? logWeight : -numeric_limits<double>::infinity();
}

void ImportanceWeights::add(double energy, double kT, double logDensity) {
    logWeights.push_back(getLogWeight(energy, kT, logDensity));
}

void ImportanceWeights::set(int index, double energy, double kT, double logDensity) {
    logWeights[index] = getLogWeight(energy, kT, logDensity);
}

double ImportanceWeights::getLogSum() const {
    double largest = *max_element(logWeights.begin(), logWeights.end());
    if (!isfinite(largest))
        return largest;
    double sum = 0;
    for (double logWeight : logWeights)
        sum += exp(logWeight - largest);
    return largest + log(sum);
}

vector<double> ImportanceWeights::getShares() const {
    double logSum = getLogSum();
    vector<double> shares;
    for (double logWeight : logWeights)
        shares.push_back(isfinite(logWeight) ? exp(logWeight - logSum) : 0.0);
    return shares;
}

int ImportanceWeights::pick(JumpRandom& random) const {
    double uniform = random.nextUniform(), sum = 0;
    int picked = -1;
    vector<double> shares = getShares();
    for (int i = 0; i < (int)shares.size(); i++) {
        if (shares[i] > 0)
            picked = i;
        sum += shares[i];
        if (uniform < sum)
            break;
    }
    return picked;
}
